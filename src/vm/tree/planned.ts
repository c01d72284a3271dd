import { loadPolicy } from '../../bpmp/policy/index.js';
import { Mrq } from '../../bpmp/wire/index.js';
import type { GuestView } from '../../bpmp/worker/index.js';
import type { VmConfig } from '../../config/index.js';
import { findNode, parseTree, type Tree } from '../../devicetree/index.js';
import { GpuvmError } from '../../errors.js';
import type { GuestTreeReport } from '../../passthrough/index.js';
import { RuntimeFolder } from '../runtime-folder.js';
import { guestTree, type TreeSources } from './guest-tree.js';
import type { Named } from './named.js';
import { SEEDS } from './seeds.js';

export { describesDevices } from './describes.js';

export interface PlannedTree {
  readonly tree: Tree;
  /** What became of the host's devices; undefined for a VM without any. */
  readonly devices: GuestTreeReport | undefined;
}

/**
 * The tree that a run of the VM would make for its guest if the VM file had no `dtb`, without a run. Without the random
 * seeds, as it may be used more than once. Throws what a run would fail with.
 */
export async function plannedTree(config: VmConfig, sources: TreeSources = {}): Promise<PlannedTree> {
  const { dtb: _, ...rest } = config;
  const file = { file: config.file };
  if (config.platformDevices.length > 0 && config.bridge.kind === 'none')
    throw new GpuvmError(
      'GPUVM_CONFIG',
      'the VM has no bridge: its devices would have nobody to ask for clocks',
      {
        place: file,
      },
    );
  if (!config.deviceTree.describeDevices)
    throw new GpuvmError('GPUVM_CONFIG', 'deviceTree.describeDevices is false: the tree is not to be made', {
      place: file,
    });
  const folder = await RuntimeFolder.create();
  try {
    const made = guestTree(rest, folder, sources);
    if (made === undefined)
      throw new GpuvmError(
        'GPUVM_CONFIG',
        "nothing is added to QEMU's own tree for this VM: it has no bridge",
        {
          place: file,
        },
      );
    const blob = await made.finish(async () => viewOf(config, await made.named));
    const tree = parseTree(blob);
    for (const seed of SEEDS) findNode(tree, '/chosen')?.properties.delete(seed);
    return { tree, devices: await made.devices };
  } finally {
    await folder.remove();
  }
}

/** As the bridge would tell it; all that there is where the VM has no policy. */
async function viewOf({ policy }: VmConfig, named: Named): Promise<GuestView | undefined> {
  if (policy === undefined) return undefined;
  const compiled = (await loadPolicy(policy)).compile({ named });
  return {
    i2cBuses: compiled.grantedBuses,
    thermal: compiled.isMrqVisible(Mrq.THERMAL),
    observed: compiled.mode !== 'enforce',
  };
}
