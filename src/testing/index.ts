/** Whole VMs in tests, with any runner; exported as `gpuvm/testing`. */
export type { ConsoleText, WaitOptions } from './console.js';
export type { TestContext } from './runner.js';
export { type StartOptions, startVm, type VmSource, withVm } from './start.js';
export type { SeenEvent, TestVm } from './test-vm.js';
