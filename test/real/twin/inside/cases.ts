import { bindAndGiveBack } from './case-bind.js';
import { inUse } from './case-in-use.js';
import { kills } from './case-kills.js';
import { lists } from './case-lists.js';
import { memlock, unprivileged } from './case-rights.js';
import { secondVm } from './case-second-vm.js';
import { sharedGroup } from './case-shared-group.js';
import { find } from './sysfs.js';

const edu = find('0x1234', '0x11e8');
const e1000e = find('0x8086', '0x10d3');

/** Each sees, and does not judge. */
export const cases: Readonly<Record<string, (before: Record<string, string>) => Promise<unknown>>> = {
  edu: () => bindAndGiveBack(edu),
  e1000e: () => bindAndGiveBack(e1000e),
  'shared-group': () => sharedGroup(['0000:00:1f.0', '0000:00:1f.2', '0000:00:1f.3']),
  lists: () => lists(edu, e1000e),
  'in-use': () => inUse(edu),
  unprivileged: () => unprivileged(edu),
  memlock: () => memlock(edu),
  'second-vm': () => secondVm(edu),
  kills: (before) => kills(e1000e, before),
};
