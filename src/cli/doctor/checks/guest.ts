import { readFile } from 'node:fs/promises';
import { cpuCount, type VmConfig } from '../../../config/index.js';
import {
  findNode,
  isEnabled,
  memoryRanges,
  parseTree,
  readCells,
  readString,
  regionsOf,
  type Tree,
  type TreeNode,
  walk,
} from '../../../devicetree/index.js';
import type { Check, Said } from '../../../host/checks/index.js';
import type { Given } from '../given.js';

/** Linux switches off at the end of its boot what no driver of its own has asked for. */
const KEEPING = ['clk_ignore_unused', 'pd_ignore_unused'];

export const append: Check<Given> = {
  id: 'guest.append',
  async run({ config }) {
    if (!config || config.platformDevices.length === 0) return [];
    const line = config.append ?? (await bootArguments(config));
    // What firmware starts has a command line of its own, on a disk.
    if (config.kernel === undefined && line === undefined) return [];
    if (line === undefined && (await isMade(config)))
      return [
        {
          status: 'ok',
          what: "the guest leaves its devices' clocks and domains on",
          evidence: "append: not set; a run puts them into the guest's tree",
        },
      ];
    const words = (line ?? '').split(/\s+/);
    const missing = KEEPING.filter((word) => !words.includes(word));
    const evidence = `append: ${line ?? 'not set'}`;
    if (missing.length === 0)
      return [{ status: 'ok', what: "the guest leaves its devices' clocks and domains on", evidence }];
    return [
      {
        status: 'fail',
        what: `without ${missing.join(' and ')} the guest switches off what its devices run on`,
        evidence,
        fix: `add to append in ${config.file}: ${missing.join(' ')}`,
      },
    ];
  },
};

/** Whether a run makes the guest's tree, parameters and all. */
async function isMade(config: VmConfig): Promise<boolean> {
  const { describesDevices } = await import('../../../vm/tree/planned.js');
  return describesDevices(config);
}

async function bootArguments(config: VmConfig): Promise<string | undefined> {
  const tree = await treeOf(config).catch(() => undefined);
  return tree && readString(findNode(tree, '/chosen')?.get('bootargs'));
}

export const treeCpus: Check<Given> = {
  id: 'guest.cpus',
  run: withTree((tree, config) => {
    const wanted = cpuCount(config.smp);
    const cpus = findNode(tree, '/cpus');
    const count = [...(cpus?.children ?? [])].filter(
      (node) => readString(node.get('device_type')) === 'cpu' && isEnabled(node),
    ).length;
    const evidence = `${config.dtb}: /cpus`;
    if (wanted === undefined || count === wanted)
      return [{ status: 'ok', what: `the guest's tree has ${count} CPUs, as smp has`, evidence }];
    return [
      {
        status: 'fail',
        what: `the guest's tree has ${count} CPUs, and smp is ${config.smp}`,
        evidence,
        fix: `${config.qemu.binary} -machine ${config.machine},dumpdtb=new.dtb -smp ${config.smp} makes QEMU's own tree, whose /cpus belong there; or set smp to ${count}`,
      },
    ];
  }),
};

export const treeMemory: Check<Given> = {
  id: 'guest.memory',
  run: withTree((tree, config) => {
    if (config.memory === undefined) return [];
    const bytes = memoryRanges(tree).reduce((sum, { size }) => sum + size, 0n);
    const evidence = `${config.dtb}: /memory`;
    if (bytes === config.memory)
      return [{ status: 'ok', what: "the guest's tree has the memory that the VM has", evidence }];
    return [
      {
        status: 'warn',
        what: `the guest's tree has ${mib(bytes)} of memory, and the VM ${mib(config.memory)}: QEMU writes its own over it`,
        evidence,
        fix: 'see that what the tree reserves lies within the memory that the VM has',
      },
    ];
  }),
};

const WINDOW_DEFAULT = 0x1080_0b00n;

/** Whether the guest looks for the window where the VM has it. */
export const treeWindow: Check<Given> = {
  id: 'guest.window',
  run: withTree((tree, config) => {
    const { bridge } = config;
    if (bridge.kind !== 'interposed' && bridge.kind !== 'vfio-user') return [];
    const cells = readCells(findNode(tree, '/bpmp')?.get('virtual-pa'));
    const said = cells?.length === 2 ? (BigInt(cells[0]!) << 32n) | BigInt(cells[1]!) : undefined;
    const address = bridge.guestAddress ?? (bridge.kind === 'vfio-user' ? WINDOW_DEFAULT : undefined);
    const evidence = `${config.dtb}: /bpmp virtual-pa ${said === undefined ? 'is not there' : hex(said)}`;
    if (said === undefined)
      return bridge.kind === 'vfio-user'
        ? [{ status: 'ok', what: "gpuvm adds the window to the guest's tree", evidence }]
        : [
            {
              status: 'fail',
              what: "the guest's tree does not say where the window is: its kernel finds no BPMP",
              evidence,
              fix: `add to the tree: bpmp { compatible = "nvidia,tegra234-bpmp", "nvidia,tegra186-bpmp"; virtual-pa = <0x0 ${address === undefined ? '…' : hex(address)}>; … }`,
            },
          ];
    if (address === undefined || address === said)
      return [{ status: 'ok', what: `the guest looks for the window at ${hex(said)}`, evidence }];
    return [
      {
        status: 'fail',
        what: `the guest looks for the window at ${hex(said)}, and the VM has it at ${hex(address)}`,
        evidence,
        fix: `set bridge.guestAddress to ${hex(said)}, or virtual-pa to <0x0 ${hex(address)}>`,
      },
    ];
  }),
};

/** Whether the guest's drivers look for the devices where QEMU will put them. */
export const treeDevices: Check<Given> = {
  id: 'guest.devices',
  run: withTree(async (tree, config, { sysroot, hostTree, qemu }) => {
    if (config.platformDevices.length === 0) return [];
    const { makePlan } = await import('../../../vm/plan/index.js');
    const { devices } = await makePlan(
      { ...config, policy: undefined },
      { sysroot, hostTree, askQemu: (program, name) => qemu.device(program, name) },
    );
    const nodes = [...walk(tree.root)].filter((node) => node.path.includes('/platform-bus@'));
    return devices.flatMap(({ host, regions, spis }): Said[] => {
      const node = nodes.find(({ name }) => addressOf(name) === addressOf(host));
      const about = { on: host };
      if (!node) {
        // Memory that is handed over need not be a device of the guest's; something with interrupts must.
        if (spis === undefined || spis.length === 0) return [];
        return [
          {
            ...about,
            status: 'fail',
            what: `the guest's tree has no node for ${host}: no driver of its finds it`,
            evidence: `${config.dtb}: no node …@${addressOf(host)} below platform-bus`,
            fix: "add the node of the host's tree below platform-bus, without iommus; gpuvm plan has its addresses and SPIs",
          },
        ];
      }
      const seen = regionsOf(node).map(({ address }) => address);
      const planned = regions?.map(({ address }) => address) ?? [];
      const lines = spisOf(node);
      const evidence = `${config.dtb}: ${node.path}: reg at ${seen.map(hex).join(', ') || 'none'}, SPIs ${lines.join(', ') || 'none'}`;
      const wrong = [
        ...planned.flatMap((address, index) =>
          address !== undefined && seen[index] !== undefined && seen[index] !== address
            ? [`its region ${index + 1} will be at ${hex(address)}, and the tree has ${hex(seen[index])}`]
            : [],
        ),
        ...(spis && spis.join() !== lines.join()
          ? [`its SPIs will be ${spis.join(', ') || 'none'}, and the tree has ${lines.join(', ') || 'none'}`]
          : []),
      ];
      if (wrong.length > 0)
        return [
          {
            ...about,
            status: 'fail',
            what: `the guest looks for ${host} elsewhere: ${wrong.join('; ')}`,
            evidence,
            fix: `correct ranges of the platform-bus node and interrupts of ${node.path} after: gpuvm plan ${config.file}`,
          },
        ];
      const isUnknown = spis === undefined || planned.length === 0 || planned.includes(undefined);
      if (isUnknown)
        return [
          {
            ...about,
            status: 'warn',
            what: `where QEMU puts ${host} is not known, so the guest's tree cannot be held against it`,
            evidence,
            fix: "give the host's tree (--host-tree), or regions and interrupts with the device",
          },
        ];
      return [{ ...about, status: 'ok', what: `the guest looks for ${host} where QEMU puts it`, evidence }];
    });
  }),
};

/** A device keeps its address in its name on both sides, whatever `ranges` make of it; what is called differently may be. */
function addressOf(name: string): string {
  return /@/.test(name) ? name.slice(name.indexOf('@') + 1) : name.split('.', 1)[0]!;
}

/** The SPIs of `interrupts = <0 112 4 …>`, as a GIC counts them. */
function spisOf(node: TreeNode): number[] {
  const cells = readCells(node.get('interrupts')) ?? [];
  const spis: number[] = [];
  for (let at = 0; at + 2 < cells.length; at += 3) if (cells[at] === 0) spis.push(cells[at + 1]!);
  return spis;
}

function treeOf({ dtb }: VmConfig): Promise<Tree | undefined> {
  if (dtb === undefined) return Promise.resolve(undefined);
  return readFile(dtb).then((blob) => parseTree(blob, { file: dtb }));
}

/** Where the VM file names a tree that is there; that it is not has been said. */
function withTree(
  run: (tree: Tree, config: VmConfig, given: Given) => Said[] | Promise<Said[]>,
): Check<Given>['run'] {
  return async (given) => {
    const { config } = given;
    if (config?.dtb === undefined) return [];
    const blob = await readFile(config.dtb).catch(() => undefined);
    return blob ? run(parseTree(blob, { file: config.dtb }), config, given) : [];
  };
}

function hex(value: bigint): string {
  return `0x${value.toString(16)}`;
}

function mib(bytes: bigint): string {
  return `${bytes >> 20n} MiB`;
}
