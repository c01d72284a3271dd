/** Runs in the twin: `gpuvm run` with a guest of its own, and what is around it. x86-run.test.ts judges it. */
import { makeCases } from './make-cases.js';
import { run } from './processes.js';
import { runCases } from './run-cases.js';
import { fetchGuest, prepareVmFiles } from './run-vm.js';

async function main(): Promise<void> {
  prepareVmFiles();
  fetchGuest();
  // The twin's processor has SVM; with it a guest inside is ten times as fast.
  await run('/run/twin/busybox', ['modprobe', 'kvm-amd']);
  await makeCases(runCases);
}

void main();
