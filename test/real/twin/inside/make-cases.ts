import { rmSync } from 'node:fs';
import { type Report, report } from './report.js';
import * as pci from './sysfs.js';

/** How the host stands, and how it is put back by hand. */
export interface Standing {
  state(): Record<string, string>;
  putBack(before: Record<string, string>): void;
}

/** Makes one case after the other, and reports of each what it saw and what is not as it was before. */
export async function makeCases(
  cases: Readonly<Record<string, (before: Record<string, string>) => Promise<unknown>>>,
  { state, putBack }: Standing = pci,
): Promise<void> {
  const only = process.argv[2]?.split(',');
  for (const [name, see] of Object.entries(cases)) {
    if (only && !only.includes(name)) continue;
    const before = state();
    const started = performance.now();
    const end = () => ({
      tookMs: Math.round(performance.now() - started),
      left: pci.differences(before, state()),
    });
    let result: Report<unknown>;
    try {
      result = { saw: await see(before), ...end() };
    } catch (error) {
      result = { error: error instanceof Error ? (error.stack ?? error.message) : String(error), ...end() };
    }
    report(name, JSON.parse(toText(result)));
    process.stderr.write(`${name}: ${'error' in result ? result.error : 'done'} (${result.tookMs} ms)\n`);
    // One case's mistake is not to be the next one's.
    if (result.left.length > 0) {
      putBack(before);
      rmSync('/var/lib/gpuvm/journal', { recursive: true, force: true });
    }
  }
  report('all', {});
}

function toText(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'bigint' ? `0x${inner.toString(16)}` : inner,
  );
}
