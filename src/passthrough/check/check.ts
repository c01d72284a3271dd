import type { Tree, TreeNode } from '../../devicetree/index.js';
import { checkBoot } from './boot.js';
import { checkCpus } from './cpus.js';
import type { Expectations } from './expectations.js';
import type { TreeFinding } from './finding.js';
import { checkGrants } from './grants.js';
import { checkInterrupts } from './interrupts.js';
import { checkLength } from './lengths.js';
import { checkMemory } from './memory.js';
import { checkPhandles } from './phandles.js';
import { type FoundDevice, findBus, findDevices } from './places.js';
import { checkRanges } from './ranges.js';
import { checkRegisters } from './registers.js';
import { checkWindow } from './window.js';

/** Holds a guest's tree against what follows for it. What is as it must be, and what nobody can say, is no finding. */
export function checkGuestTree(tree: Tree, expectations: Expectations): TreeFinding[] {
  const found = findDevices(tree, expectations.devices);
  const bus = findBus(tree, found);
  return [
    ...checkWindow(tree, expectations),
    ...checkCpus(tree, expectations),
    ...checkMemory(tree, expectations),
    ...checkAddresses(bus, found, expectations),
    ...checkInterrupts(tree, found),
    ...checkGrants(tree, expectations),
    ...checkBoot(tree, expectations),
    ...checkPhandles(tree),
  ];
}

/** What cannot be read as it is meant comes alone. */
function checkAddresses(
  bus: TreeNode | undefined,
  found: readonly FoundDevice[],
  expectations: Expectations,
): TreeFinding[] {
  const ragged = bus ? [...checkLength(bus, 'ranges')] : [];
  if (ragged.length > 0) return ragged;
  const lengths = found.map(({ node }) => (node ? [...checkLength(node, 'reg')] : []));
  const { findings, needed } = checkRegisters(
    found.filter((_, index) => lengths[index]!.length === 0),
    bus,
    expectations.bus.pageSize,
  );
  return [...lengths.flat(), ...(bus ? checkRanges(bus, needed, expectations, found) : []), ...findings];
}

/** Corrects in the tree what it says how to correct, and answers what of all is still found afterwards. */
export function mendGuestTree(tree: Tree, expectations: Expectations): TreeFinding[] {
  // What was hidden behind another mistake is seen in the next round.
  for (let round = 0; round < ROUNDS; round++) {
    const mends = checkGuestTree(tree, expectations).flatMap(({ mend }) => mend ?? []);
    if (mends.length === 0) break;
    for (const mend of mends) mend();
  }
  return checkGuestTree(tree, expectations);
}

const ROUNDS = 4;
