import { interruptParentOf, type TreeNode } from '../../devicetree/index.js';
import { type DeviceProfile, droppedFromAll, type PropertyRule, ruleFor } from '../profiles/index.js';
import type { Copying, PropertyChange } from './copying.js';
import { namesLeft, namesOf, rewireProperty } from './references.js';

/** Said anew for a device, or of no meaning in another tree. */
const ownOfDevices = new Set([
  ...['compatible', 'reg', 'reg-names', 'status', 'interrupt-names', 'nonposted-mmio'],
]);
const ownOfAll = new Set([
  'phandle',
  'linux,phandle',
  'name',
  'interrupts',
  'interrupt-parent',
  'interrupts-extended',
]);

/** Copies what the guest is to have of a device's own node. */
export function copyDeviceProperties(
  from: TreeNode,
  to: TreeNode,
  profile: DeviceProfile,
  copying: Copying,
): void {
  copyProperties(from, to, profile, copying, ownOfDevices);
}

/** Copies the nodes below a device, as far as its profile has them go along; their properties come once all are there. */
export function addChildren(from: TreeNode, to: TreeNode, { guest }: DeviceProfile, copying: Copying): void {
  const { children } = guest;
  if (children === 'none') return;
  for (const child of from.children) {
    const name = child.name.replace(/@.*$/, '');
    if (children === 'all' || children.includes(name)) addAll(child, to, copying);
  }
}

/** Fills the nodes that `addChildren` has made. */
export function copyChildProperties(from: TreeNode, profile: DeviceProfile, copying: Copying): void {
  for (const child of from.children) {
    const copy = copying.copies.get(child);
    if (copy === undefined || !copying.inner.has(child)) continue;
    copyProperties(child, copy, profile, copying, new Set());
    copyInterrupts(child, copy, copying);
    copyChildProperties(child, profile, copying);
  }
}

function addAll(from: TreeNode, parent: TreeNode, copying: Copying): void {
  const copy = parent.ensure(from.name);
  copying.copies.set(from, copy);
  copying.inner.add(from);
  for (const child of from.children) addAll(child, copy, copying);
}

function copyProperties(
  from: TreeNode,
  to: TreeNode,
  profile: DeviceProfile,
  copying: Copying,
  own: ReadonlySet<string>,
): void {
  const say = (property: string, what: PropertyChange['what'], reason: string) =>
    copying.changes.push({ path: to.path, property, what, reason });
  const names = new Map<string, readonly number[] | string>();
  for (const [property, value] of from.properties) {
    if (own.has(property) || ownOfAll.has(property)) continue;
    const rule = dropRule(profile, property);
    if (rule) {
      say(property, 'dropped', rule.reason);
      if (namesOf[property]) names.set(namesOf[property], rule.reason);
      continue;
    }
    const rewired = rewireProperty(from, property, copying);
    if (rewired === undefined) {
      to.set(property, value);
      continue;
    }
    const list = namesOf[property];
    if (rewired.value === undefined) {
      say(property, 'dropped', rewired.lost);
      if (list) names.set(list, rewired.lost);
      continue;
    }
    to.set(property, rewired.value);
    if (rewired.kept === 'all') continue;
    if (rewired.lost !== undefined) say(property, 'shortened', rewired.lost);
    if (list) names.set(list, rewired.kept);
  }
  for (const [list, left] of names) {
    const value = to.get(list);
    if (value === undefined) continue;
    if (typeof left === 'string') {
      to.properties.delete(list);
      say(list, 'dropped', left);
    } else to.set(list, namesLeft(value, left));
  }
}

function dropRule({ guest }: DeviceProfile, property: string): PropertyRule | undefined {
  const own = ruleFor(guest.drop, property);
  if (own || ruleFor(guest.keep, property)) return own;
  return ruleFor(droppedFromAll, property);
}

/** A line to a controller that goes along stays; the others' controllers are the host's. */
function copyInterrupts(from: TreeNode, to: TreeNode, copying: Copying): void {
  if (from.get('interrupts') === undefined && from.get('interrupts-extended') === undefined) return;
  const controller = interruptParentOf(from, copying.hostPhandles);
  const copy = controller && copying.copies.get(controller);
  const interrupts = from.get('interrupts');
  if (copy && interrupts && to.parent && isAround(copy, to)) to.set('interrupts', interrupts);
  else {
    to.properties.delete('interrupt-names');
    const reason = `its interrupt controller (${controller?.path ?? 'none'}) is the host's`;
    copying.changes.push({ path: to.path, property: 'interrupts', what: 'dropped', reason });
  }
}

function isAround(outer: TreeNode, inner: TreeNode): boolean {
  for (let at = inner.parent; at !== undefined; at = at.parent) if (at === outer) return true;
  return false;
}
