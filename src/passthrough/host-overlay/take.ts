import { platformNameOf, type TreeNode } from '../../devicetree/index.js';
import type { ResolvedDevice } from '../guest-tree/index.js';
import { type DeviceProfile, profileOf, ruleFor } from '../profiles/index.js';
import { busOf, reaches } from './bus.js';
import type { ChosenStream } from './choose-stream.js';
import { addDeviceNode } from './device-node.js';
import type { Draft } from './draft.js';
import { takeInPlace } from './in-place.js';

/** What becomes of a device's node. */
export interface TakenDevice {
  readonly host: string;
  readonly profile: string;
  /** `anew`: a node was made, and the tree's own one, if any, switched off. */
  readonly how: 'in place' | 'anew' | 'carve-out';
}

interface Taking extends Pick<ChosenStream, 'stream'> {
  readonly profiles: readonly DeviceProfile[];
  readonly leaving: ReadonlySet<TreeNode>;
}

/** Makes of a device one for VFIO, where Linux finds it by the VM file's name. */
export function take(
  draft: Draft,
  device: ResolvedDevice,
  { profiles, leaving, stream }: Taking,
): TakenDevice {
  const { host, shape, profile, regions } = device;
  const around = shape && outermost(shape, profile, { profiles, leaving });
  if (shape && around === shape && platformNameOf(shape) === host) {
    const content = takeInPlace(draft, device, { node: shape, stream });
    draft.remark(content, `${host}: ${profile.about}.`);
    if (stream && profile.host.stream) draft.remark(content, `Its stream: ${profile.host.stream.reason}.`);
    return { host, profile: profile.name, how: 'in place' };
  }
  const bus = busFor(draft, around, regions);
  const node = addDeviceNode(draft, device, { bus, stream });
  draft.remark(node, `${host}: ${profile.about}; ${origin(device, around, leaving)}.`);
  for (const property of shape?.properties.keys() ?? []) {
    const rule = ruleFor(profile.host.drop, property);
    if (rule) draft.remark(node, `Without ${property}: ${rule.reason}.`);
  }
  if (shape) draft.switchOff(shape, `${host} is made anew at ${bus.path}.`);
  return { host, profile: profile.name, how: 'anew' };
}

function origin(
  { shape, profile }: ResolvedDevice,
  around: TreeNode | undefined,
  leaving: ReadonlySet<TreeNode>,
): string {
  if (!shape)
    return `this tree has no node of it, so by the profile ${profile.name} (${profile.known?.source ?? 'of a file'})`;
  if (around === undefined || around === shape) return `in the place of ${shape.path}`;
  return leaving.has(around)
    ? `outside of ${around.name}, as nobody makes devices of what is in there any more`
    : `outside of ${around.name}, which stays, and would make the device otherwise`;
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
