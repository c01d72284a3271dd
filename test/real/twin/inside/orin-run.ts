/** Runs in the Orin twin: the reference VM with a Linux under KVM. orin-run.test.ts judges it. */
import { device } from './host-device-module.js';
import { orinRunCases } from './orin-run-cases.js';
import { orinState } from './orin-state.js';
import { gpuvm } from './processes.js';
import { report } from './report.js';

async function main(): Promise<void> {
  device.load();
  device.reset();
  const only = process.argv[2]?.split(',');
  for (const [name, see] of Object.entries(orinRunCases)) {
    if (only && !only.includes(name)) continue;
    const started = performance.now();
    const took = () => Math.round(performance.now() - started);
    try {
      report(name, { saw: await see(orinState()), tookMs: took() });
    } catch (error) {
      report(name, {
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
        tookMs: took(),
      });
      // One case's mistake is not to be the next one's.
      await gpuvm(['recover']);
    }
    process.stderr.write(`${name}: ${took()} ms\n`);
  }
}

void main();
