import type { Need } from '../../../bpmp/policy/index.js';
import type { ClockTree } from '../../../bpmp/replay/index.js';
import { tegra234 } from '../../../bpmp/tegra234/index.js';
import { commandOf, Mrq, mrqs } from '../../../bpmp/wire/index.js';
import { type HostUsers, isSharedRoot } from '../../../passthrough/index.js';

/** What a guest could do to its host once the request is allowed. */
export interface Impact {
  /** What it would be let do, in a sentence. */
  readonly lets: string;
  /** The host's devices that use the resource now, and those that would, were they switched on; undefined without a tree. */
  readonly usedBy: readonly string[] | undefined;
  readonly wouldUse: readonly string[] | undefined;
  /** Clocks: those that it can hang on, and those that can hang on it. */
  readonly parents: readonly string[];
  readonly below: readonly string[];
  /** The host's devices that use a clock below. */
  readonly usedBelow: readonly string[];
  readonly isRoot: boolean;
  /** What the host would suffer; nothing where it would not. */
  readonly warnings: readonly string[];
}

type ResourceNeed = Extract<Need, { kind: 'resource' }>;

const NOTHING = {
  usedBy: undefined,
  wouldUse: undefined,
  parents: [],
  below: [],
  usedBelow: [],
  isRoot: false,
};

export function impactOf(need: Need, clocks: ClockTree, users: HostUsers | undefined): Impact | undefined {
  if (need.kind === 'never') return undefined;
  if (need.kind === 'bus') {
    const list = need.addresses.map((address) => `0x${address.toString(16)}`).join(', ');
    const lets = `talk to ${list} on I2C bus ${need.bus} as the firmware does: read and write every register there`;
    return {
      ...NOTHING,
      lets,
      warnings: [`nobody keeps the host's own driver of a device at ${list} apart from it`],
    };
  }
  return need.kind === 'family' ? familyImpact(need) : resourceImpact(need, clocks, users);
}

function familyImpact({ mrq, command }: Extract<Need, { kind: 'family' }>): Impact {
  const info = commandOf(mrq, command);
  const title = info?.title ?? `MRQ ${mrq}`;
  if (info?.effect === 'read')
    return { ...NOTHING, lets: `ask ${title}, which changes nothing`, warnings: [] };
  const warnings =
    mrq === Mrq.DEBUG && info?.name !== 'OPEN_RO' && info?.name !== 'READ' && info?.name !== 'CLOSE'
      ? ['debug files reach every clock of the chip: it is a way around every other line']
      : [
          `${mrqs.get(mrq)?.name ?? title} is of no single device: what it changes, it changes for the host too, and most of it nobody gives back`,
        ];
  return { ...NOTHING, lets: `ask ${title}, which changes the chip's state`, warnings };
}

function resourceImpact(need: ResourceNeed, clocks: ClockTree, users: HostUsers | undefined): Impact {
  const { section, id, action } = need;
  const isClock = section === 'clocks';
  const below = isClock ? [...clocks.below(id)] : [];
  const now = (clock: number) =>
    (users?.of(section, clock) ?? []).flatMap(({ name, isEnabled }) => (isEnabled ? [name] : []));
  const usedBy = users && [...new Set(now(id))];
  const usedBelow = [...new Set(below.flatMap(now))].filter((name) => !usedBy?.includes(name));
  const isRoot = isSharedRoot(section, id);
  const impact = {
    lets: whatOf(need),
    usedBy,
    wouldUse: users?.of(section, id).flatMap(({ name, isEnabled }) => (isEnabled ? [] : [name])),
    parents: isClock ? clocks.parentsOf(id).map(clockName) : [],
    below: below.map(clockName),
    usedBelow,
    isRoot,
  };
  return { ...impact, warnings: action.readOnly ? [] : warningsOf(need, impact) };
}

/** What the command does, by its name. */
function whatOf({ section, id, action }: ResourceNeed): string {
  const name = tegra234[section].nameOf(id) ?? String(id);
  if (action.readOnly) return `read ${name}: it changes nothing`;
  if (isSharedRoot(section, id)) return `switch ${name} on and read it, and no more`;
  if (section === 'resets')
    return `take ${name} out of reset and hold it there: under its user, whoever that is`;
  if (section === 'powerDomains') return `switch ${name} on and off, with all that lies in it`;
  return action.needs === 'tune'
    ? `set the rate and the parent of ${name}, and switch it on and off`
    : `switch ${name} on and off`;
}

function warningsOf(
  { section, id }: ResourceNeed,
  { usedBy, usedBelow, below, isRoot }: Pick<Impact, 'usedBy' | 'usedBelow' | 'below' | 'isRoot'>,
): string[] {
  const name = tegra234[section].nameOf(id) ?? String(id);
  const verb = section === 'clocks' ? 'stop or run at another rate' : 'stop in the middle of their work';
  const warnings: string[] = [];
  if (isRoot)
    warnings.push(`the whole chip hangs on ${name}: gpuvm forwards no change of it, whatever a line says`);
  if (usedBy !== undefined && usedBy.length > 0)
    warnings.push(
      usedBy.length === 1
        ? `${usedBy[0]} uses it: unless that is passed through to this guest, give it as shared, or it will ${verb.replace('their', 'its')}`
        : `${listed(usedBy)} use it: what of them stays with the host would ${verb} unless it is given as shared`,
    );
  if (usedBelow.length > 0)
    warnings.push(`${listed(usedBelow)} run on clocks below it, and would ${verb} with it`);
  if (usedBy === undefined)
    warnings.push(
      `who else uses it is not known without the host's tree (--host-tree)${below.length > 0 ? `; ${below.length} clocks can hang on it` : ''}`,
    );
  return warnings;
}

const clockName = (id: number) => tegra234.clocks.nameOf(id) ?? String(id);
const MOST = 8;

/** `a, b and 3 more` */
export function listed(names: readonly string[], most = MOST): string {
  const more = names.length - most;
  return more > 0 ? `${names.slice(0, most).join(', ')} and ${more} more` : names.join(', ');
}
