import {
  cells,
  danglingReferences,
  duplicatePhandles,
  nextPhandle,
  phandlesOf,
  type Tree,
} from '../../devicetree/index.js';
import { hex, type TreeFinding } from './finding.js';

/** References that lead nowhere, and numbers that two nodes have. */
export function* checkPhandles(tree: Tree): Generator<TreeFinding> {
  for (const { from, property, index, phandle } of danglingReferences(tree))
    yield {
      id: 'guest-tree.dangling',
      status: 'fail',
      path: from.path,
      property,
      what: `its entry ${index + 1} refers to phandle ${hex(phandle)}, which no node has`,
      right: 'the phandle of a node of this tree, or no such entry',
      mend: undefined,
    };
  for (const [phandle, [first, ...others]] of duplicatePhandles(tree))
    for (const node of others)
      yield {
        id: 'guest-tree.duplicate',
        status: 'fail',
        path: node.path,
        property: 'phandle',
        what: `${hex(phandle)} is ${first!.path}'s, which all that refers to it means`,
        right: `a number that no node has, such as ${hex(nextPhandle(tree))}`,
        mend: () => {
          node.properties.delete('linux,phandle');
          // The first of them stays.
          if (phandlesOf(tree).get(phandle) !== node) node.set('phandle', cells(nextPhandle(tree)));
        },
      };
}
