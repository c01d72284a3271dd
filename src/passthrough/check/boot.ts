import { findNode, readString, strings, type Tree } from '../../devicetree/index.js';
import { NEEDED_PARAMETERS } from '../guest-tree/index.js';
import type { Expectations } from './expectations.js';
import type { TreeFinding } from './finding.js';

/** Without them the guest's kernel switches off what it believes unused, its devices' clocks among it. */
export function* checkBoot(tree: Tree, { append, devices }: Expectations): Generator<TreeFinding> {
  if (devices.every(({ isCarveOut }) => isCarveOut)) return;
  const said = append ?? readString(findNode(tree, '/chosen')?.get('bootargs')) ?? '';
  const words = said.split(/\s+/).filter((word) => word !== '');
  const missing = NEEDED_PARAMETERS.filter((parameter) => !words.includes(parameter));
  if (missing.length === 0) return;
  const right = [...words, ...missing].join(' ');
  yield {
    id: 'guest-tree.bootargs',
    status: 'fail',
    path: '/chosen',
    property: 'bootargs',
    what: `${append === undefined ? 'it' : 'append of the VM file, which replaces it,'} lacks ${missing.join(' and ')}`,
    right: append === undefined ? `"${right}"` : `append: ${right}`,
    mend: append === undefined ? () => tree.root.ensure('chosen').set('bootargs', strings(right)) : undefined,
  };
}
