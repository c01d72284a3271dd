import { tableOf } from '../analysis/index.js';
import { type AllowEntry, type AllowList, hostUsersOf } from './allow-list.js';

/** All clocks that one can hang on, up to the roots; who can ask a BPMP says it. */
export type AskParents = (clock: number) => Promise<Iterable<number>>;

/**
 * The list with the clocks above its clocks, as shared ones: a guest that enables a clock enables every parent with it,
 * and one refusal fails the whole chain. Whoever of the host hangs on the same parents, through whichever clock, is named.
 */
export async function closeOverParents(list: AllowList, ask: AskParents): Promise<AllowList> {
  const own = new Set(list.clocks.map(({ id }) => id));
  const below = await clocksBelow(own, ask);
  const users = hostUsersOf(list.tree, list.devices);
  const hostBelow = await clocksBelow(users.usedNow('clocks'), ask);
  const table = tableOf.clocks;
  const nameOf = (id: number) => table.nameOf(id) ?? String(id);
  const usersOf = (id: number, is: boolean) =>
    users.of('clocks', id).flatMap(({ name, isEnabled }) => (isEnabled === is ? [name] : []));
  const usedBy = (id: number) => [
    ...new Set([id, ...(hostBelow.get(id) ?? [])].flatMap((clock) => usersOf(clock, true))),
  ];
  const parents = [...below].flatMap(([id, clocks]): AllowEntry[] =>
    own.has(id)
      ? []
      : [
          {
            id,
            name: nameOf(id),
            reason: `above ${clocks.map(nameOf).join(', ')}`,
            right: 'use',
            shared: true,
            usedBy: usedBy(id),
            wouldUse: usersOf(id, false),
            devices: [],
          },
        ],
  );
  // A clock of the VM's that a clock of the host's hangs on is not the VM's alone either.
  const clocks = list.clocks.map((entry) => {
    const through = usedBy(entry.id);
    return through.length > entry.usedBy.length ? { ...entry, shared: true, usedBy: through } : entry;
  });
  parents.sort((a, b) => a.id - b.id);
  return { ...list, isClosed: true, clocks: [...clocks, ...parents] };
}

/** Of each clock above some of these, which of them it is above. */
async function clocksBelow(clocks: Iterable<number>, ask: AskParents): Promise<Map<number, number[]>> {
  const below = new Map<number, number[]>();
  for (const clock of clocks) {
    for (const parent of await ask(clock)) {
      const known = below.get(parent);
      if (known) known.push(clock);
      else below.set(parent, [clock]);
    }
  }
  return below;
}
