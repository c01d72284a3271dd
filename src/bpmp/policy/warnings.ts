import type { PolicyModel } from './model.js';
import type { PolicyWarning } from './problems.js';
import type { Protection } from './resource-table.js';
import { includes } from './rights.js';

/** What a line says that the protections overrule, or that will break the guest. */
export function protectionWarnings(model: PolicyModel, { closure, roots }: Protection): PolicyWarning[] {
  const warnings: PolicyWarning[] = [];
  for (const [id, { grant, rule }] of model.resources.clocks) {
    const { place } = rule;
    if (place === undefined) continue;
    const name = model.chip.clocks.nameOf(id) ?? String(id);
    if (roots.has(id) && grant.right === 'tune') {
      warnings.push({
        message: `${name} is a shared root: its rate and parent stay protected, whatever the right`,
        place,
      });
    }
    if (closure.has(id) && grant.commands === undefined && !includes(grant.right ?? 'none', 'use')) {
      const message = `${name} is the parent of a granted clock, which cannot be enabled without it: give it "shared"`;
      warnings.push({ message, place });
    }
  }
  return warnings;
}
