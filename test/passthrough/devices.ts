import type { Tree } from '../../src/devicetree/index.js';
import { builtinProfiles, type SelectedDevice, selectDevices } from '../../src/passthrough/index.js';

/** The five of the reference VM that need something of the BPMP. */
export const FIVE = ['gpu@17000000', 'host1x@13e00000', 'vic@15340000', 'nvdec@15480000', 'nvjpg@15540000'];

/** What they need, as the design has it, in no order. */
export const UNION = {
  clocks: [304, 41, 236, 46, 1, 167, 83, 40, 154, 20],
  resets: [19, 113, 44, 10],
  powerDomains: [35, 29, 23, 36],
} as const;

export function select(tree: Tree, ...names: readonly string[]): SelectedDevice[] {
  return selectDevices(
    tree,
    names.map((name) => ({ name })),
    builtinProfiles,
  );
}
