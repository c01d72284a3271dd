/** Runs in the twin: `gpuvm run` with a guest of its own, and what is around it. x86-run.test.ts judges it. */
import { makeCases } from './make-cases.js';
import { run } from './processes.js';
import { whole } from './run-case-whole.js';
import { fetchGuest } from './run-vm.js';

const cases = { whole };

async function main(): Promise<void> {
  fetchGuest();
  // The twin's processor has SVM; with it a guest inside is ten times as fast.
  await run('/run/twin/busybox', ['modprobe', 'kvm-amd']);
  await makeCases(cases);
}

void main();
