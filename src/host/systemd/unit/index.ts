import type { ServiceFacts } from './facts.js';
import { endedSections, recoverSections } from './recover.js';
import { serviceSections } from './service.js';
import { unitText } from './text.js';

export { HANDED_OVER, type Need, type ServiceFacts } from './facts.js';
export { commandWord, literal, word } from './text.js';

/** The unit file of a service that runs one VM; `head` is its first comment. */
export function serviceUnit(facts: ServiceFacts, head: string): string {
  return unitText(head, serviceSections(facts));
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
