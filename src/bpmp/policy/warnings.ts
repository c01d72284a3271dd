import type { PolicyModel } from './model.js';
import type { PolicyWarning } from './problems.js';
import { resourceKinds } from './resource-kind.js';
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
  for (const { message, place } of forwardWarnings(model, roots)) warnings.push({ message, place });
  return warnings;
}

/** What `learn.forward` names that the whole chip hangs on; and the ranges of it, which reach less than they name. */
function forwardWarnings({ forward, mode, chip }: PolicyModel, roots: ReadonlySet<number>): PolicyWarning[] {
  if (forward === undefined || mode !== 'learn') return [];
  return resourceKinds.flatMap((kind) =>
    forward[kind.section].flatMap(({ written, ids, range, place }): PolicyWarning[] => {
      const table = kind.table(chip);
      if (range) {
        const message = `${JSON.stringify(written.slice(0, 40))} reaches only what lines give to the VM alone: name a ${table.kind} that is to be forwarded beyond that`;
        return [{ message, place }];
      }
      const [id = -1] = ids;
      if (kind.section !== 'clocks' || !roots.has(id)) return [];
      const message = `${table.nameOf(id)} is a shared root: while learning, what the guest does to it happens to the whole chip`;
      return [{ message, place }];
    }),
  );
}
