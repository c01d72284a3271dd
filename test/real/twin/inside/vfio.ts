/** Runs in the twin: uses edu and e1000e through gpuvm/vfio and reports what there was to see. x86-vfio.test.ts judges it. */
import { spawnSync } from 'node:child_process';
import { report } from './report.js';
import { MEMLOCK, tryToMapTooMuch, vfioCases } from './vfio-cases.js';

async function main(): Promise<void> {
  if (process.argv[2] === MEMLOCK) {
    process.stdout.write(JSON.stringify(tryToMapTooMuch()));
    return;
  }
  // What stands behind a fault is in the kernel's messages: only those of this run.
  spawnSync('dmesg', ['-C']);
  const only = process.argv[2]?.split(',');
  for (const [name, see] of Object.entries(vfioCases)) {
    if (only && !only.includes(name)) continue;
    const started = performance.now();
    let result: { saw: unknown } | { error: string };
    try {
      result = { saw: await see() };
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

void main();
