import type { PlatformDevice } from '../../config/index.js';
import {
  applyOverlay,
  cloneTree,
  isEnabled,
  parseTree,
  platformNameOf,
  strings,
  type Tree,
  type TreeNode,
  writeTree,
} from '../../devicetree/index.js';
import { GpuvmError } from '../../errors.js';
import type { Finding } from '../../finding.js';
import type { AllowList } from '../allow-list/index.js';
import { isWithin, type Stream, streamsOf } from '../analysis/index.js';
import { addressIn, isStandIn, type ResolvedDevice, resolveDevices } from '../guest-tree/index.js';
import { shortNameOf } from '../names.js';
import { type DeviceProfile, profileOf } from '../profiles/index.js';
import { appliedFindings } from './applied.js';
import { busOf, reaches } from './bus.js';
import { addCarveOut, carveOutFindings } from './carve-outs.js';
import { addDeviceNode, isFramebuffer, nodesEnding } from './device-node.js';
import { Draft, DUMMY } from './draft.js';
import { takeInPlace } from './in-place.js';
import { addProxy } from './proxy.js';
import { overlaySource } from './source.js';
import { labelled, streamFindings, streamNamed } from './streams.js';

export interface HostOverlayRequest {
  /** The host's tree, without such an overlay. */
  readonly tree: Tree;
  /** What to call it. */
  readonly from: string;
  readonly vm: string;
  readonly devices: readonly PlatformDevice[];
  readonly profiles: readonly DeviceProfile[];
  /** What /dev/bpmp-host is to let through; undefined for a host without that. */
  readonly allowList: AllowList | undefined;
}

/** What becomes of a device's node. */
export interface TakenDevice {
  readonly host: string;
  readonly profile: string;
  /** `anew`: a node was made, and the tree's own one, if any, switched off. */
  readonly how: 'in place' | 'anew' | 'carve-out';
}

export interface HostOverlay {
  readonly devices: readonly TakenDevice[];
  /** `fail`: the VM would not get what it is to get. */
  readonly findings: readonly Finding[];
  readonly blob: Uint8Array;
  readonly source: string;
  /** The host's tree with the overlay in it. */
  readonly applied: Tree;
}

/**
 * The overlay that takes a VM's platform devices from the host's drivers, for one host's tree, which stays as it is.
 * Throws GPUVM_CONFIG where a device cannot be described; `details.mistakes` has a line for each.
 */
export function makeHostOverlay(request: HostOverlayRequest): HostOverlay {
  const { tree, from, vm, profiles, allowList } = request;
  const { devices } = resolveDevices(request.devices, { tree, from }, profiles);
  refuseSecond(devices, from);
  const draft = new Draft(tree);
  const carveOuts = devices.filter(({ isCarveOut }) => isCarveOut);
  const real = devices.filter(({ isCarveOut }) => !isCarveOut);
  const streams = streamsFor(draft, real);
  const findings: Finding[] = [...carveOutFindings(tree, from, carveOuts)];
  const leaving = new Set(real.flatMap(({ shape }) => shape ?? []));
  for (const device of carveOuts) addCarveOut(draft, device);
  const taken = real.map((device) => take(draft, device, { profiles, leaving, ...streams.get(device)! }));
  for (const device of real) disableOthers(draft, device);
  findings.push(
    ...streamFindings(
      tree,
      [...streams].map(([{ host }, { all }]) => ({ host, streams: all })),
      leaving,
      draft,
    ),
  );
  for (const device of real) findings.push(...deviceFindings(device, from, leaving, streams.get(device)!));
  if (allowList) addProxy(draft, allowList);
  const blob = writeTree(draft.builder.build());
  const applied = cloneTree(tree);
  applyOverlay(applied, parseTree(blob));
  findings.push(...appliedFindings(applied, devices));
  return {
    devices: [
      ...carveOuts.map(({ host }) => ({ host, profile: 'carve-out', how: 'carve-out' as const })),
      ...taken,
    ],
    findings,
    blob,
    source: overlaySource(draft, { from, vm }),
    applied,
  };
}

/** An overlay over an overlay would say of a dummy what it is. */
function refuseSecond(devices: readonly ResolvedDevice[], from: string): void {
  const first = devices.find(({ shape, isCarveOut }) => shape && !isCarveOut && isStandIn(shape));
  if (first)
    throw new GpuvmError(
      'GPUVM_CONFIG',
      `${from} has an overlay for VFIO in it already: ${first.shape!.path} is for a dummy driver: give the host's tree without it`,
    );
}

interface ChosenStream {
  /** What the overlay gives the device; undefined where its node has one already. */
  readonly stream: Stream | undefined;
  readonly all: readonly Stream[];
  /** The tree's, that it does without. */
  readonly without: readonly Stream[];
}

/** Throws GPUVM_CONFIG, with all that have none. */
function streamsFor(draft: Draft, devices: readonly ResolvedDevice[]): Map<ResolvedDevice, ChosenStream> {
  const chosen = new Map(devices.map((device) => [device, streamFor(draft, device)]));
  const mistakes = devices.filter((device) => chosen.get(device) === undefined).map(lacksStream);
  if (mistakes.length > 0) {
    const more = mistakes.length > 1 ? ` (and ${mistakes.length - 1} more)` : '';
    throw new GpuvmError('GPUVM_CONFIG', `${mistakes[0]}${more}`, { details: { mistakes } });
  }
  return chosen as Map<ResolvedDevice, ChosenStream>;
}

function lacksStream({ host, shape }: ResolvedDevice): string {
  const where = shape ? `${shape.path} has no iommus` : "the host's tree has no node of it";
  return `${host}: by which stream it does DMA is not known, and VFIO takes no device without an IOMMU: ${where}; give a profile with host.stream (deviceTree.profiles)`;
}

function streamFor(draft: Draft, { host, shape, profile }: ResolvedDevice): ChosenStream | undefined {
  const own = shape ? streamsOf(shape, draft.phandles).filter(({ property }) => property === 'iommus') : [];
  const { known, host: rules } = profile;
  // Another of the same kind has another stream.
  const isMeant = known === undefined || known.regions[0]?.address === addressIn(host);
  const wanted = isMeant ? rules.stream : undefined;
  if (own.length > 0 && !wanted?.isInstead) return { stream: undefined, all: own, without: [] };
  if (wanted === undefined) return undefined;
  const stream = streamNamed(draft.tree, wanted, host);
  return { stream, all: [stream], without: own };
}

interface Taking extends ChosenStream {
  readonly profiles: readonly DeviceProfile[];
  readonly leaving: ReadonlySet<TreeNode>;
}

function take(draft: Draft, device: ResolvedDevice, { profiles, leaving, stream, all }: Taking): TakenDevice {
  const { host, shape, profile, regions } = device;
  const around = shape && outermost(shape, profile, { profiles, leaving });
  if (shape && around === shape && platformNameOf(shape) === host) {
    const content = takeInPlace(draft, device, { node: shape, stream });
    draft.remark(content, `${host}: ${profile.about}.`);
    if (stream && profile.host.stream) draft.remark(content, `Its stream: ${profile.host.stream.reason}.`);
    return { host, profile: profile.name, how: 'in place' };
  }
  const bus = busFor(draft, around, regions);
  const node = addDeviceNode(draft, device, { bus, stream: stream ?? all[0]! });
  draft.remark(node, `${host}: ${profile.about}; ${origin(device, around)}.`);
  for (const { property, reason } of profile.host.drop)
    if (shape && [...shape.properties.keys()].includes(property))
      draft.remark(node, `Without ${property}: ${reason}.`);
  if (shape) draft.switchOff(shape, `${host} is made anew at ${bus.path}.`);
  return { host, profile: profile.name, how: 'anew' };
}

function origin({ shape, profile }: ResolvedDevice, around: TreeNode | undefined): string {
  if (!shape)
    return `this tree has no node of it, so by the profile ${profile.name} (${profile.known?.source ?? 'of a file'})`;
  return around === shape
    ? `in the place of ${shape.path}`
    : `outside of ${around!.name}, as nobody makes devices of what is in there any more`;
}

/** The device itself, or the outermost device around it that makes devices of what is in it, and will not any more. */
function outermost(
  shape: TreeNode,
  { host: { outOf } }: DeviceProfile,
  {
    profiles,
    leaving,
  }: { readonly profiles: readonly DeviceProfile[]; readonly leaving: ReadonlySet<TreeNode> },
): TreeNode {
  let found = shape;
  for (let at = shape.parent; at?.parent !== undefined; at = at.parent) {
    const isOut = outOf !== undefined && profileOf(profiles, platformNameOf(at), at)?.name === outOf;
    if (leaving.has(at) || isOut) found = at;
  }
  return found;
}

function busFor({ tree }: Draft, around: TreeNode | undefined, regions: ResolvedDevice['regions']): TreeNode {
  const beside = around?.parent;
  return beside && reaches(beside, regions) ? beside : busOf(tree, regions);
}

function disableOthers(draft: Draft, { host, profile }: ResolvedDevice): void {
  for (const { node: end, reason } of profile.host.disable)
    for (const node of nodesEnding(draft, end)) {
      draft.switchOff(node, `Goes with ${host}: ${reason}.`);
      if (isFramebuffer(node))
        draft.set(draft.on(node), 'compatible', strings(DUMMY), 'the firmware may switch it on again');
    }
}

/** What a person should know of one device before the host has it no more. */
function* deviceFindings(
  { host, shape, profile }: ResolvedDevice,
  from: string,
  leaving: ReadonlySet<TreeNode>,
  { stream, without }: ChosenStream,
): Generator<Finding> {
  const id = `host-overlay.device/${host}`;
  if (shape === undefined)
    yield {
      id,
      status: 'warn',
      what: `${host}: the overlay has its registers, interrupts and clocks from the profile ${profile.name}, as ${from} has no node of it`,
      evidence: profile.known?.source ?? 'the VM file',
      fix: 'give the tree that the host boots with',
      device: host,
    };
  if (stream && without.length > 0)
    yield {
      id: `host-overlay.stream/${host}`,
      status: 'warn',
      what: `${host} is put behind ${labelled(stream)}, and what it does by ${without.map(labelled).join(', ')} is not translated for the VM`,
      evidence: `${shape?.path}: iommus`,
      device: host,
    };
  const lost = [...(shape?.children ?? [])].filter(
    (child) =>
      child.get('compatible') &&
      child.get('reg') &&
      isEnabled(child) &&
      !isWithin(child, new Set([...leaving].filter((each) => each !== shape))),
  );
  if (lost.length > 0)
    yield {
      id,
      status: 'warn',
      what: `${host} takes ${lost.map(shortNameOf).join(', ')} from the host, which nobody makes devices of without it`,
      evidence: shape!.path,
      fix: 'see gpuvm dt analyze',
      device: host,
    };
}
