import {
  cells,
  EMPTY,
  interruptCellsOf,
  interruptParentOf,
  isEnabled,
  readStrings,
  strings,
  type TreeNode,
  walk,
} from '../../devicetree/index.js';
import { GpuvmError } from '../../errors.js';
import { type ResourceKind, resourceKinds, type Stream, tableOf } from '../analysis/index.js';
import { addressIn, type ResolvedDevice } from '../guest-tree/index.js';
import { isBpmp } from '../names.js';
import { baseNameOf, type KnownDevice, ruleFor } from '../profiles/index.js';
import { regOn, unitName } from './bus.js';
import { type Draft, DUMMY } from './draft.js';
import { setStream } from './streams.js';

/** What VFIO and the kernel's own core use of a node; all else is for the device's driver, and a dummy has none. */
const used =
  /^(interrupts|interrupts-extended|interrupt-names|clocks|clock-names|assigned-clock.*|resets|reset-names|power-domains|power-domain-names|pinctrl-.*)$/;

/**
 * A node of the device's own for VFIO, on a bus of the host's; with what the tree's node has, where there is one, its
 * stream too where it is to have no other.
 */
export function addDeviceNode(
  draft: Draft,
  device: ResolvedDevice,
  { bus, stream }: { readonly bus: TreeNode; readonly stream: Stream | undefined },
): TreeNode {
  const { host, regions, shape, profile } = device;
  const first = regions[0]?.address ?? addressIn(host) ?? 0n;
  const node = draft.on(bus).add(unitName(baseNameOf(host), bus, first));
  draft.set(node, 'compatible', strings(DUMMY));
  draft.set(node, 'reg', regOn(bus, regions, host));
  if (shape) copyUsed(draft, device, shape, { node, bus });
  else if (profile.known) addKnown(draft, profile.known, { node, bus });
  if (stream) setStream(draft, node, stream);
  else draft.copy(shape!, 'iommus', node);
  draft.set(node, 'dma-coherent', EMPTY, COHERENT);
  draft.set(node, 'status', strings('okay'));
  return node;
}

export const COHERENT = 'VFIO takes a device only where its DMA looks into the caches';

interface Place {
  readonly node: TreeNode;
  readonly bus: TreeNode;
}

function copyUsed(draft: Draft, { regions, profile }: ResolvedDevice, shape: TreeNode, { node, bus }: Place) {
  const names = readStrings(shape.get('reg-names'));
  if (names?.length === regions.length) draft.copy(shape, 'reg-names', node);
  const controller = shape.get('interrupts') && interruptParentOf(shape, draft.phandles);
  if (controller) wire(draft, controller, { node, bus });
  for (const property of shape.properties.keys()) {
    if (used.test(property) && !ruleFor(profile.host.drop, property)) draft.copy(shape, property, node);
  }
}

/** Says which controller it is wired to, where the bus does not. */
function wire(draft: Draft, controller: TreeNode, { node, bus }: Place): void {
  if (busParent(draft, bus) === controller) return;
  draft.set(node, 'interrupt-parent', draft.builder.cells(draft.refer(controller)));
}

/** The controller of a node on the bus that says nothing of it. */
function busParent({ phandles }: Draft, bus: TreeNode): TreeNode | undefined {
  const own = bus.get('#interrupt-cells') !== undefined && bus.get('interrupt-parent') === undefined;
  return own ? bus : interruptParentOf(bus, phandles);
}

const propertyOf: Readonly<Record<ResourceKind, readonly [property: string, names: string]>> = {
  clocks: ['clocks', 'clock-names'],
  resets: ['resets', 'reset-names'],
  powerDomains: ['power-domains', 'power-domain-names'],
};

/** What the profile knows of a device that the tree has no node of. */
function addKnown(draft: Draft, known: KnownDevice, { node, bus }: Place): void {
  const regionNames = known.regions.flatMap(({ as }) => as ?? []);
  if (regionNames.length === known.regions.length && regionNames.length > 0)
    draft.set(node, 'reg-names', strings(...regionNames));
  if (known.interrupts.length > 0) addLines(draft, known, { node, bus });
  const bpmp = [...walk(draft.tree.root)].find(isBpmp);
  if (bpmp === undefined) return;
  for (const kind of resourceKinds) {
    const entries = known[kind].flatMap(({ name, as }) => {
      const id = tableOf[kind].idOf(name);
      return id === undefined ? [] : [{ id, name, as }];
    });
    if (entries.length === 0) continue;
    const [property, names] = propertyOf[kind];
    const value = draft.builder.cells(...entries.flatMap(({ id }) => [draft.refer(bpmp), id]));
    draft.set(node, property, value, entries.map(({ name }) => name).join(', '));
    const called = entries.flatMap(({ as }) => as ?? []);
    if (called.length === entries.length) draft.set(node, names, strings(...called));
  }
}

/** Shared peripheral interrupts at a high level, in as many cells as the host's GIC takes. */
function addLines(draft: Draft, { interrupts }: KnownDevice, { node, bus }: Place): void {
  const gic = gicOf(draft);
  wire(draft, gic, { node, bus });
  const rest = Array.from({ length: (interruptCellsOf(gic) ?? 3) - 3 }, () => 0);
  draft.set(node, 'interrupts', cells(...interrupts.flatMap(({ spi }) => [0, spi, 4, ...rest])));
  const names = interrupts.flatMap(({ as }) => as ?? []);
  if (names.length === interrupts.length) draft.set(node, 'interrupt-names', strings(...names));
}

function gicOf({ tree, phandles }: Draft): TreeNode {
  const isGic = (node: TreeNode) =>
    readStrings(node.get('compatible'))?.some((each) =>
      /^arm,(gic-v[34]|gic-\d+|cortex-a15-gic)$/.test(each),
    );
  const gic = [...walk(tree.root)].find((node) => isGic(node) && isEnabled(node));
  const found = gic ?? interruptParentOf(tree.root, phandles);
  if (found) return found;
  throw new GpuvmError(
    'GPUVM_CONFIG',
    "the host's tree has no interrupt controller for devices that it lacks",
  );
}
