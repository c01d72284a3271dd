import type { Format } from './write.js';

const OPENMETRICS = 'application/openmetrics-text';

/** The format that an Accept header prefers: OpenMetrics only where it is named, the text format for all others. */
export function formatFor(accept: string | undefined): Format {
  const qualities = new Map<string, number>();
  for (const range of (accept ?? '').slice(0, 4096).split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    if (type === OPENMETRICS && !understood(parameters)) continue;
    const q = Number(parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? 1);
    const quality = q >= 0 && q <= 1 ? q : 0;
    qualities.set(type, Math.max(quality, qualities.get(type) ?? 0));
  }
  const wanted = qualities.get(OPENMETRICS) ?? 0;
  const plain = Math.max(
    qualities.get('text/plain') ?? 0,
    qualities.get('text/*') ?? 0,
    qualities.get('*/*') ?? 0,
  );
  return wanted > 0 && wanted >= plain ? 'openmetrics' : 'prometheus';
}

/** An Accept header that asks for a format. */
export function acceptOf(format: Format): string {
  return format === 'openmetrics' ? OPENMETRICS : 'text/plain';
}

function understood(parameters: readonly string[]): boolean {
  const version = parameters.find((parameter) => parameter.startsWith('version='))?.slice('version='.length);
  return version === undefined || /^(0\.0\.1|1\.0\.0)$/.test(version);
}
