import type { VirtualMachine } from '../../vm/index.js';
import { Allowance } from './allowance.js';

const PER_SECOND = 50;

/** Shows QEMU's own lines; a guest can cause some of them, so not without limit. */
export function noteStderr(vm: VirtualMachine, note: (text: string) => void): void {
  const allowance = new Allowance(PER_SECOND);
  vm.on('stderr', (line) => {
    if (!allowance.take()) return;
    const lost = allowance.countSuppressed();
    note(lost > 0 ? `${line} (${lost} lines before it not shown)` : line);
  });
}
