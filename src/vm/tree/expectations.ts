import { readFile } from 'node:fs/promises';
import { DEFAULT_WINDOW_ADDRESS } from '../../bpmp/bridge/vfio-user/index.js';
import { loadPolicy } from '../../bpmp/policy/index.js';
import { cpuCount, type VmConfig } from '../../config/index.js';
import { parseTree, type Tree } from '../../devicetree/index.js';
import { GpuvmError } from '../../errors.js';
import {
  chooseProfiles,
  cpuAddressOf,
  cpusOf,
  type Expectations,
  type ExpectedWindow,
  placeDevices,
  type ResolvedDevice,
  resolveDevices,
} from '../../passthrough/index.js';
import { askRegions, askVersion, machineTree } from '../../qemu/index.js';
import { busFor, readHostTree } from '../plan/index.js';
import { RuntimeFolder } from '../runtime-folder.js';
import type { TreeSources } from './guest-tree.js';

export interface KnownExpectations {
  readonly expectations: Expectations;
  /** What could not be found out, so that nothing is held against it; each for people. */
  readonly unknown: readonly string[];
  /** What was taken from somewhere else than the host's own tree; each for people. */
  readonly assumed: readonly string[];
}

/**
 * What a guest's tree for this VM must agree with. What QEMU would have to say is left out where it cannot be asked. Throws
 * GPUVM_CONFIG where the VM file itself cannot be, and what the reading of its files throws.
 */
export async function expectationsOf(
  config: VmConfig,
  sources: TreeSources = {},
): Promise<KnownExpectations> {
  const { sysroot = '/', hostTree = config.deviceTree.hostTree, qemuTree } = sources;
  const unknown: string[] = [];
  const [host, profiles, bus] = await Promise.all([
    readHostTree(sysroot, hostTree),
    chooseProfiles(config.deviceTree.profiles),
    busFor(config, sysroot),
  ]);
  const { devices } = resolveDevices(config.platformDevices, host, profiles);
  const window = await windowOf(config, unknown);
  const machine = await treeOf(config, qemuTree, unknown);
  const addresses = machine && cpusOf(machine).map(cpuAddressOf);
  return {
    expectations: {
      devices: placeDevices(devices, bus),
      bus,
      host,
      window,
      cpuCount: cpuCount(config.smp),
      cpuAddresses: addresses?.every((each) => each !== undefined) ? addresses : undefined,
      append: config.append,
      policy:
        config.policy === undefined
          ? undefined
          : { file: config.policy, compiled: (await loadPolicy(config.policy)).compile() },
    },
    unknown,
    assumed: devices
      .filter(isFromProfile)
      .map(
        ({ host: name, profile }) =>
          `the registers and interrupts of ${name} are those of the profile ${profile.name}, as the host's tree has no node of it`,
      ),
  };
}

function isFromProfile({ shape, isCarveOut, profile }: ResolvedDevice): boolean {
  return shape === undefined && !isCarveOut && profile.known !== undefined;
}

/** Where releases with the BPMP's guest patch have it, and where those from QEMU 10 on do, as they have other things there. */
const OLD_WINDOW = 0x090c_0000n;
const NEW_WINDOW = 0x090d_0000n;
const MOVED_IN = 10;

async function windowOf(config: VmConfig, unknown: string[]): Promise<ExpectedWindow | undefined> {
  const { bridge, qemu } = config;
  if (bridge.kind === 'vfio-user')
    return bridge.guestAddress === undefined
      ? { address: DEFAULT_WINDOW_ADDRESS, because: 'where the bridge has it' }
      : { address: bridge.guestAddress, because: 'bridge.guestAddress of the VM file' };
  if (bridge.kind !== 'interposed') return undefined;
  const told: ExpectedWindow | undefined =
    bridge.guestAddress === undefined
      ? undefined
      : { address: bridge.guestAddress, because: 'bridge.guestAddress of the VM file' };
  try {
    const regions = await askRegions(config);
    const own = regions.find(({ name }) => /bpmp/i.test(name));
    if (own) return { address: own.address, because: `${qemu.binary} has ${own.name} there` };
    const { major, text } = await askVersion(qemu.binary);
    const isMoved = major >= MOVED_IN;
    if (told && !(isMoved && told.address === OLD_WINDOW)) return told;
    return isMoved
      ? {
          address: NEW_WINDOW,
          because: `${qemu.binary} is QEMU ${text}, and 0x90c0000 is another device's from 10 on`,
        }
      : { address: OLD_WINDOW, because: `${qemu.binary} is QEMU ${text}` };
  } catch (error) {
    if (!GpuvmError.is(error)) throw error;
    if (told === undefined) unknown.push(`where QEMU has the BPMP's window: ${error.message}`);
    return told;
  }
}

/** QEMU's own tree for the machine, for its CPUs. */
async function treeOf(
  config: VmConfig,
  qemuTree: string | undefined,
  unknown: string[],
): Promise<Tree | undefined> {
  if (qemuTree !== undefined) return parseTree(await read(qemuTree), { file: qemuTree });
  const folder = await RuntimeFolder.create();
  try {
    return parseTree(await machineTree(config, folder.file('dumped.dtb')));
  } catch (error) {
    if (!GpuvmError.is(error)) throw error;
    unknown.push(`QEMU's own tree, so of the CPUs only their number: ${error.message}`);
    return undefined;
  } finally {
    await folder.remove();
  }
}

async function read(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'it is not there' : message;
    throw new GpuvmError('GPUVM_FILE', `QEMU's device tree ${file} cannot be read: ${why}`, { cause });
  }
}
