import { spawnSync } from 'node:child_process';
import { report } from './report.js';

/** Makes the cases one after the other; each sees, and does not judge. What comes after one stands on what it left. */
export async function see(cases: Readonly<Record<string, () => unknown>>): Promise<void> {
  // What stands behind a fault is in the kernel's messages: only those of this run.
  spawnSync('dmesg', ['-C']);
  const only = process.argv[2]?.split(',');
  for (const [name, look] of Object.entries(cases)) {
    if (only && !only.includes(name)) continue;
    const started = performance.now();
    let result: { saw: unknown } | { error: string };
    try {
      result = { saw: await look() };
    } catch (error) {
      result = { error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
    }
    report(name, JSON.parse(toText(result)));
    process.stderr.write(
      `${name}: ${'error' in result ? result.error : 'done'} (${Math.round(performance.now() - started)} ms)\n`,
    );
  }
}

function toText(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'bigint' ? `0x${inner.toString(16)}` : inner,
  );
}
