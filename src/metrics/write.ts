import type { Family, HistogramSample, Labels } from './family.js';

/**
 * Written by hand: a client library would keep counters of its own in this thread, and ours are kept by the bridge's. What
 * is left of such a library is to write numbers down.
 */
const formats = {
  prometheus: { contentType: 'text/plain; version=0.0.4; charset=utf-8', end: '' },
  openmetrics: {
    contentType: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
    end: '# EOF\n',
  },
} as const;

export type Format = keyof typeof formats;

/** An answer to a scrape. */
export interface Exposition {
  readonly contentType: string;
  readonly body: string;
}

/** Families without a series are left out. */
export function expose(families: readonly Family[], format: Format): Exposition {
  const { contentType, end } = formats[format];
  return { contentType, body: families.map((family) => familyText(family, format)).join('') + end };
}

function familyText(family: Family, format: Format): string {
  const { name, type, help } = family;
  const lines = 'histograms' in family ? family.histograms.flatMap((one) => histogramLines(name, one)) : [];
  if ('samples' in family)
    for (const { labels, value } of family.samples)
      lines.push(`${name}${labelText(labels)} ${number(value)}`);
  if (lines.length === 0) return '';
  // In OpenMetrics the family of `x_total` is `x`.
  const own = format === 'openmetrics' && type === 'counter' ? name.replace(/_total$/, '') : name;
  const escaped = help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  const text = format === 'openmetrics' ? escaped.replaceAll('"', '\\"') : escaped;
  return `# HELP ${own} ${text}\n# TYPE ${own} ${type}\n${lines.join('\n')}\n`;
}

function histogramLines(name: string, { labels, bounds, counts, count, sum }: HistogramSample): string[] {
  const bucket = (le: string, value: number) =>
    `${name}_bucket${labelText({ ...labels, le })} ${number(value)}`;
  return [
    ...bounds.map((bound, i) => bucket(number(bound), counts[i] ?? count)),
    bucket('+Inf', count),
    `${name}_sum${labelText(labels)} ${number(sum)}`,
    `${name}_count${labelText(labels)} ${number(count)}`,
  ];
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function number(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}
