import type { Mistake, YamlDocument } from './document.js';
import type { VmFile } from './schema/index.js';

/** The boot stub and the guest's tree know where this machine has things. */
const ARM_VIRT = /^(type=)?virt\b/;

export function contradictions(config: VmFile, document: YamlDocument): Mistake[] {
  const mistakes: Mistake[] = [];
  if (config.bridge.kind !== 'none' && config.policy === undefined) {
    const message = 'policy is missing: a bridge needs one, or nothing would be allowed';
    mistakes.push({ message, place: document.placeOf(['bridge']) });
  }
  if (['vfio-user', 'ivc'].includes(config.bridge.kind) && !ARM_VIRT.test(config.machine)) {
    const message = `machine ${config.machine}: bridge.kind ${config.bridge.kind} is for QEMU's machine virt`;
    mistakes.push({ message, place: document.placeOf(['machine']) });
  }
  for (const key of ['initrd', 'append'] as const) {
    if (config[key] === undefined || config.kernel !== undefined) continue;
    mistakes.push({ message: `${key} has no effect without kernel`, place: document.placeOfKey([key]) });
  }
  return mistakes;
}
