import type { Tree } from '../../devicetree/index.js';
import { checkBoot } from './boot.js';
import { checkCpus } from './cpus.js';
import type { Expectations } from './expectations.js';
import type { TreeFinding } from './finding.js';
import { checkGrants } from './grants.js';
import { checkInterrupts } from './interrupts.js';
import { checkMemory } from './memory.js';
import { checkPhandles } from './phandles.js';
import { findBus, findDevices } from './places.js';
import { checkRanges } from './ranges.js';
import { checkRegisters } from './registers.js';
import { checkWindow } from './window.js';

/** Holds a guest's tree against what follows for it. What is as it must be, and what nobody can say, is no finding. */
export function checkGuestTree(tree: Tree, expectations: Expectations): TreeFinding[] {
  const found = findDevices(tree, expectations.devices);
  const bus = findBus(tree, found);
  const registers = checkRegisters(found, bus);
  return [
    ...checkWindow(tree, expectations),
    ...checkCpus(tree, expectations),
    ...checkMemory(tree, expectations),
    ...(bus ? checkRanges(bus, registers.needed, expectations, found) : []),
    ...registers.findings,
    ...checkInterrupts(tree, found),
    ...checkGrants(tree, expectations),
    ...checkBoot(tree, expectations),
    ...checkPhandles(tree),
  ];
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
