import { loadVmFile } from '../../config/index.js';
import type { Tree } from '../../devicetree/index.js';
import { GpuvmError } from '../../errors.js';
import {
  chooseProfiles,
  type DeviceProfile,
  type SelectedDevice,
  selectDevices,
} from '../../passthrough/index.js';
import type { Call } from '../command.js';
import { readTree } from './read-tree.js';

/** A host's tree and those of its devices that a call is about. */
export interface Selection {
  readonly from: string;
  readonly tree: Tree;
  readonly profiles: readonly DeviceProfile[];
  readonly devices: readonly SelectedDevice[];
}

/** Reads what `--device`, `--vm` and `--profiles` say. Throws GPUVM_USAGE where no device is named. */
export async function readSelection({ args: [from], options }: Call): Promise<Selection> {
  const list = (name: string) => (options[name] as readonly string[] | undefined) ?? [];
  const vm = options.vm === undefined ? undefined : await loadVmFile(String(options.vm));
  const profiles = await chooseProfiles([...(vm?.deviceTree?.profiles ?? []), ...list('profiles')]);
  const wanted = [
    ...(vm?.platformDevices ?? []).map(({ host, mmioBase }) => ({
      name: host,
      isCarveOut: mmioBase !== undefined,
    })),
    ...list('device').map((name) => ({ name })),
  ];
  if (wanted.length === 0)
    throw new GpuvmError(
      'GPUVM_USAGE',
      vm === undefined
        ? 'which devices? Give --device, such as --device gpu@17000000 host1x, or --vm FILE'
        : 'the VM file has no platformDevices: give --device, such as --device gpu@17000000',
    );
  const tree = await readTree(from!);
  const devices = selectDevices(tree, wanted, profiles);
  return { from: from!, tree, profiles, devices };
}
