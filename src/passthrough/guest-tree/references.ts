import {
  cells,
  ensurePhandle,
  knownBindings,
  type Reference,
  readStrings,
  specifiersOf,
  strings,
  type TreeNode,
} from '../../devicetree/index.js';
import type { Copying } from './copying.js';

/** What a property with references becomes: its new value, which of its entries are left, or why nothing is. */
export type Rewired =
  | { readonly value: Uint8Array; readonly kept: readonly number[] | 'all'; readonly lost?: string }
  | { readonly value: undefined; readonly lost: string };

/** The property that names the entries of another one. */
export const namesOf: Readonly<Record<string, string>> = {
  clocks: 'clock-names',
  resets: 'reset-names',
  'power-domains': 'power-domain-names',
  mboxes: 'mbox-names',
  phys: 'phy-names',
  pwms: 'pwm-names',
  dmas: 'dma-names',
  'io-channels': 'io-channel-names',
  'nvmem-cells': 'nvmem-cell-names',
  'memory-region': 'memory-region-names',
};

/** Lists whose entries belong together by their place: where one loses any, all are gone. */
const parallel = ['assigned-clocks', 'assigned-clock-parents', 'assigned-clock-rates'];

/**
 * A property's references in the guest's tree: to the host's BPMP becomes to the guest's, to a node that goes along becomes
 * to its copy, and an entry that refers to anything else is taken out. Undefined for a property without references.
 */
export function rewireProperty(from: TreeNode, property: string, copying: Copying): Rewired | undefined {
  const binding = knownBindings(property);
  if (property === 'assigned-clock-rates') return rewireParallel(from, property, copying);
  if (binding === undefined) return undefined;
  const references = specifiersOf(from, property, copying.hostPhandles);
  if (references.length === 0) return undefined;
  if ('table' in binding) return { value: undefined, lost: lostTo(references[0]!) };
  if (parallel.includes(property)) return rewireParallel(from, property, copying);
  return rewireList(references, copying);
}

/** The entries that a list of names has for those of its list that are left. */
export function namesLeft(names: Uint8Array, kept: readonly number[]): Uint8Array {
  const all = readStrings(names) ?? [];
  return strings(...kept.flatMap((index) => all[index] ?? []));
}

function rewireList(references: readonly Reference[], copying: Copying): Rewired {
  const words: number[] = [];
  const kept: number[] = [];
  let lost: string | undefined;
  for (const reference of references) {
    const phandle = guestPhandle(reference, copying);
    if (phandle === undefined) {
      lost ??= lostTo(reference);
      continue;
    }
    kept.push(reference.index);
    words.push(phandle, ...reference.args);
  }
  if (kept.length === 0) return { value: undefined, lost: lost! };
  // A list with gaps is written without them, its names with it.
  const isWhole = lost === undefined && kept.every((index, at) => index === at);
  return { value: cells(...words), kept: isWhole ? 'all' : kept, ...(lost !== undefined && { lost }) };
}

function rewireParallel(from: TreeNode, property: string, copying: Copying): Rewired | undefined {
  const value = from.get(property)!;
  for (const each of parallel) {
    const references = specifiersOf(from, each, copying.hostPhandles);
    const stranger = references.find((reference) => guestPhandle(reference, copying) === undefined);
    if (stranger) return { value: undefined, lost: lostTo(stranger) };
  }
  const references = specifiersOf(from, property, copying.hostPhandles);
  if (references.length === 0) return { value, kept: 'all' };
  // Gaps stand for a clock without a parent or a rate, so they stay.
  const bytes = Uint8Array.from(value);
  const view = new DataView(bytes.buffer);
  for (const reference of references) view.setUint32(reference.offset, guestPhandle(reference, copying)!);
  return { value: bytes, kept: 'all' };
}

function guestPhandle({ to }: Reference, { guest, bpmp, copies }: Copying): number | undefined {
  if (to === undefined) return undefined;
  const copy = isBpmp(to) ? bpmp : copies.get(to);
  return copy && ensurePhandle(guest, copy);
}

export function isBpmp(node: TreeNode): boolean {
  return readStrings(node.get('compatible'))?.includes('nvidia,tegra186-bpmp') ?? false;
}

function lostTo({ to, phandle }: Reference): string {
  return to === undefined
    ? `it refers to phandle 0x${phandle.toString(16)}, which the host's tree has not`
    : `it refers to ${to.path} of the host, which the guest has not`;
}
