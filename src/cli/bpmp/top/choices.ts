import { listVms } from '../../../control/index.js';
import { totalsText } from '../../control/text.js';
import type { Choice } from './ui.js';

/** Running VMs, for somebody to choose from. */
export async function listChoices(env = process.env): Promise<Choice[]> {
  const { vms } = await listVms(env);
  return vms.flatMap((vm) =>
    'status' in vm ? [{ name: vm.name, state: vm.status.state, detail: totalsText(vm.status) }] : [],
  );
}
