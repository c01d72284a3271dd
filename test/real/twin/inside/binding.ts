/** Runs in the twin: makes each case on its kernel and reports what there was to see. x86-binding.test.ts judges it. */
import { rmSync } from 'node:fs';
import { cases } from './cases.js';
import { type Report, report } from './report.js';
import { differences, putBack, state } from './sysfs.js';

async function main(): Promise<void> {
  for (const [name, see] of Object.entries(cases)) {
    const before = state();
    const started = performance.now();
    const end = () => ({
      tookMs: Math.round(performance.now() - started),
      left: differences(before, state()),
    });
    let result: Report<unknown>;
    try {
      result = { saw: await see(before), ...end() };
    } catch (error) {
      result = { error: error instanceof Error ? (error.stack ?? error.message) : String(error), ...end() };
    }
    report(name, result);
    process.stderr.write(`${name}: ${'error' in result ? result.error : 'done'} (${result.tookMs} ms)\n`);
    // One case's mistake is not to be the next one's.
    if (result.left.length > 0) {
      putBack(before);
      rmSync('/var/lib/gpuvm/journal', { recursive: true, force: true });
    }
  }
  report('all', {});
}

void main();
