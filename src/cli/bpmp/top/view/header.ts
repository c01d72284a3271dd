import { durationText } from '../../../control/text.js';
import { verdicts } from '../model/activity.js';
import { panes, paneTitles } from '../ui.js';
import { type CellLine, clean, fitLine, lineWidth, type Span, span, spread } from './cells.js';
import { sparkText } from './charts.js';
import { clockText, countText, grouped, latencyText, rateText } from './figures.js';
import { isLive, type Picture } from './picture.js';

export const HEADER_LINES = 4;
/** A sparkline that is shorter says nothing. */
const LEAST_SPARK = 10;
const MOST_SPARK = 60;

/** Who it is, how much there was, how fast it goes, and which pane is shown. */
export function headerLines(picture: Picture, width: number): CellLine[] {
  return [
    titleLine(picture, width),
    totalsLine(picture, width),
    ratesLine(picture, width),
    tabsLine(picture, width),
  ];
}

function titleLine({ origin, facts, summary, ended, ui }: Picture, width: number): CellLine {
  const about: string[] = [];
  if (facts) {
    about.push(facts.state);
    if (facts.uptimeMs !== undefined) about.push(`up ${durationText(facts.uptimeMs)}`);
    if (facts.restarts > 0) about.push(`${facts.restarts} restarts`);
  }
  if (origin.kind === 'file') {
    const { firstMs, lastMs, vms } = summary;
    if (firstMs !== undefined) about.push(`${durationText(lastMs! - firstMs)} from ${clockText(firstMs)}`);
    if (vms.length > 0) about.push(vms.length > 2 ? `${vms.length} VMs` : vms.join(', '));
  }
  const state =
    ui.pausedMs !== undefined ? 'PAUSED' : (ended ?? (origin.kind === 'file' ? 'reading' : 'live'));
  const left = [
    span(' gpuvm top  ', 'bar'),
    span(clean(origin.name), 'barStrong'),
    span(clean(about.map((text) => `  ${text}`).join('')), 'bar'),
  ];
  const right = [
    span(` ${clean(state)}`, ui.pausedMs === undefined ? 'bar' : 'barStrong'),
    span(origin.kind === 'vm' ? `  ${clockText(summary.nowMs)} ` : ' ', 'bar'),
  ];
  return spread(left, right, width, 'bar').map((part) =>
    part.style === 'plain' ? { ...part, style: 'bar' } : part,
  );
}

function totalsLine({ summary, facts, ui }: Picture, width: number): CellLine {
  // What the bridge counted, where nothing is left out of it; the stream begins where the ring did.
  const totals = (ui.filter === '' ? facts?.totals : undefined) ?? summary.all.verdicts;
  const count = verdicts.reduce((sum, verdict) => sum + (totals[verdict] ?? 0), 0);
  const left: Span[] = [
    span(` ${grouped(count)}`, 'bold'),
    span(ui.filter === '' ? ' requests ' : ' that match '),
  ];
  for (const verdict of verdicts) {
    const some = totals[verdict] ?? 0;
    left.push(span('  '), span(verdict, some > 0 ? verdict : 'faint'));
    left.push(span(` ${grouped(some)}`, some > 0 ? 'plain' : 'faint'));
  }
  const { p50Ns, p99Ns } = summary.all;
  const right = [
    span('p50 ', 'faint'),
    span(latencyText(p50Ns)),
    span('  p99 ', 'faint'),
    span(`${latencyText(p99Ns)} `),
  ];
  // The latencies stand elsewhere too; the counts nowhere.
  return lineWidth(left) + lineWidth(right) + 2 > width ? fitLine(left, width) : spread(left, right, width);
}

function ratesLine(picture: Picture, width: number): CellLine {
  const { all, history } = picture.summary;
  const figures: [string, string][] = isLive(picture)
    ? [
        ['now', rateText(all.rate1)],
        ['10 s', rateText(all.rate10)],
        ['60 s', rateText(all.rate60)],
      ]
    : [
        ['on average', rateText(all.mean)],
        ['at most', countText(all.peak)],
      ];
  const left: Span[] = figures.flatMap(([name, rate], i) => [
    span(i === 0 ? ` ${name} ` : `   ${name} `, 'faint'),
    span(`${rate}/s`, i === 0 ? 'bold' : 'plain'),
  ]);
  const label = isLive(picture) ? '' : 'its last 60 s ';
  const room = Math.min(MOST_SPARK, width - lineWidth(left) - label.length - 5);
  if (room < LEAST_SPARK) return left;
  return spread(left, [span(label, 'faint'), span(sparkText(history, room), 'accent'), span(' ')], width);
}

function tabsLine({ ui, summary }: Picture, width: number): CellLine {
  const tabs = panes.flatMap((pane, i): Span[] => {
    const isOn = pane === ui.pane;
    const alarm = pane === 'refusals' && summary.refusals.length > 0 && !isOn;
    return [
      span(` ${i + 1} `, isOn ? 'tab' : 'faint'),
      span(`${paneTitles[pane]} `, isOn ? 'tab' : alarm ? 'deny' : 'plain'),
    ];
  });
  return fitLine(tabs, width);
}

/** The free line under the head: it has the filter, where there is one. */
export function filterLine({ ui }: Picture, width: number): CellLine {
  if (ui.filter === '') return [];
  return fitLine([span(' filter ', 'faint'), span(clean(ui.filter), 'accent')], width);
}
