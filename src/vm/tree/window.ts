import { DEFAULT_WINDOW_ADDRESS } from '../../bpmp/bridge/vfio-user/index.js';
import { cells, findNode, readCells, setLabel, type Tree } from '../../devicetree/index.js';
import { GpuvmError } from '../../errors.js';
import { addBpmp } from './nodes.js';

/**
 * The BPMP as a guest with the BPMP guest proxy finds it: by its window's address. Throws GPUVM_CONFIG where the tree
 * says another address, at which no clock would ever come up.
 */
export function addWindow(tree: Tree, guestAddress: bigint = DEFAULT_WINDOW_ADDRESS): void {
  const said = readCells(findNode(tree, '/bpmp')?.get('virtual-pa'));
  if (said?.length === 2) {
    const there = (BigInt(said[0]!) << 32n) | BigInt(said[1]!);
    if (there !== guestAddress) {
      const [its, ours] = [there, guestAddress].map((address) => `0x${address.toString(16)}`);
      throw new GpuvmError(
        'GPUVM_CONFIG',
        `the dtb's virtual-pa is ${its}, and the window is at ${ours}: set bridge.guestAddress to ${its}, or take virtual-pa out`,
      );
    }
  }
  setLabel(tree, 'bpmp', addBpmp(tree.root).set('virtual-pa', cells(guestAddress)));
}
