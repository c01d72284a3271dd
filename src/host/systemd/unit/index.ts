import type { ServiceFacts } from './facts.js';
import { endedSections, recoverSections } from './recover.js';
import { dropInSections, serviceSections } from './service.js';
import { unitText } from './text.js';

export type { Need, ServiceFacts } from './facts.js';
export { commandWord, literal, word } from './text.js';

/** The unit file of a service that runs one VM; `head` is its first comment. */
export function serviceUnit(facts: ServiceFacts, head: string): string {
  return unitText(head, serviceSections(facts));
}

/**
 * A drop-in for an instance of the template (`gpuvm@NAME.service.d/50-vm.conf`): its devices, rights, paths and times
 * instead of the template's.
 */
export function dropIn(facts: ServiceFacts, head: string): string {
  return unitText(head, dropInSections(facts));
}

/** `gpuvm-recover.service`. */
export function recoverUnit(program: readonly string[]): string {
  return unitText('gpuvm-recover.service: puts the host right at boot.', recoverSections(program));
}

/** `gpuvm-ended@.service`. */
export function endedUnit(program: readonly string[]): string {
  return unitText(
    "gpuvm-ended@.service: cleans up behind a VM's service that was given up.",
    endedSections(program),
  );
}
