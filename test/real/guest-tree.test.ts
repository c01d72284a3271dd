import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cacheFolder, parseVmFile, type VmConfig } from '../../src/config/index.js';
import {
  danglingReferences,
  diffTrees,
  findNode,
  interruptsOf,
  parseTree,
  phandleOf,
  phandlesOf,
  readCells,
  readString,
  regionsOf,
  type Tree,
  type TreeNode,
  walk,
  writeTree,
} from '../../src/devicetree/index.js';
import { VirtualMachine } from '../../src/vm/index.js';
import { plannedTree } from '../../src/vm/tree/planned.js';
import { dtcLint, hasDtc } from '../devicetree/dtc.js';
import { hostBlob } from '../devicetree/fixtures/tegra234.js';
import { initramfs } from '../support/initramfs.js';

const cache = cacheFolder();
const qemu = join(cache, 'qemu/bin/qemu-system-aarch64');
const kernel = join(cache, 'guest/demo/vmlinuz');
const initrd = join(cache, 'guest/demo/initrd');
const mainline = {
  kernel: join(cache, 'guest-kernel/current/Image'),
  initrd: join(cache, 'guest-mainline/current/initrd'),
};
const isPrepared = [qemu, kernel, initrd, ...Object.values(mainline)].every((path) => existsSync(path));
if (!isPrepared) console.warn("SKIPPED: needs the demo's guest and QEMU, which scripts/setup makes");

const boards = ['agx', 'nx'].map((board) => join(cache, `guest-kernel/current/orin-${board}.dtb`));
const hasBoards = boards.every((path) => existsSync(path)) && existsSync(qemu);
if (!hasBoards) console.warn('SKIPPED: needs the trees of two boards, which scripts/guest-kernel makes');

/** Says what the guest's kernel has of its tree, and what it made of it; then asks the BPMP, as the demo does. */
const init = `#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
echo cpus $(grep -c ^processor /proc/cpuinfo)
grep -E 'MemTotal|CmaTotal' /proc/meminfo
ls /sys/bus/platform/devices | sed 's/^/device /'
cd /sys/firmware/devicetree/base && find . -type f -exec sha256sum {} + | sed 's/^/property /'
bpmp-demo | head -n 3
echo done
poweroff -f
`;

/** What QEMU writes anew into every tree that it is given; its RAM's node and the kernel's parameters are its own. */
const ofQemu = /^\/(memory@[0-9a-f]+|chosen)\//;

const windowGuest = {
  kernel,
  initrd: '',
  append: 'quiet loglevel=3 rdinit=/tree-init clk_ignore_unused pd_ignore_unused',
  bridge: 'vfio-user',
};

describe.skipIf(!isPrepared || !hasDtc)('a Linux guest on the tree that a run makes for it', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'gpuvm-guest-tree-'));
    writeFileSync(
      join(folder, 'initrd'),
      Buffer.concat([readFileSync(initrd), initramfs([{ name: 'tree-init', content: init }])]),
    );
    writeFileSync(join(folder, 'host.dtb'), hostBlob());
    // A stock QEMU has no vfio-platform: all but that is real, so the devices are described and not there.
    const standIn = join(folder, 'qemu');
    writeFileSync(
      standIn,
      `#!/bin/bash
for ((i = 1; i <= $#; i++)); do
  next=$((i + 1))
  if [[ \${!i} == -device && \${!next} == vfio-platform,* ]]; then i=$next; else args+=("\${!i}"); fi
done
exec ${qemu} "\${args[@]}"
`,
    );
    chmodSync(standIn, 0o755);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** The reference VM's devices. RAM reaches over its carve-out at 2 GiB, as there is nothing else behind that. */
  function vm(cpus: number, more: Partial<typeof windowGuest> = {}): VmConfig {
    const guest = { ...windowGuest, initrd: join(folder, 'initrd'), ...more };
    const example = parseVmFile(
      readFileSync(new URL('../../examples/orin-gpu-vm.yaml', import.meta.url), 'utf8'),
      {
        file: fileURLToPath(new URL('../../examples/orin-gpu-vm.yaml', import.meta.url)),
      },
    );
    const text = `
name: guest-tree
qemu: { binary: ${join(folder, 'qemu')} }
machine: virt
cpu: cortex-a72
smp: ${cpus}
memory: 2G
kernel: ${guest.kernel}
initrd: ${guest.initrd}
append: ${guest.append}
deviceTree: { hostTree: ${join(folder, 'host.dtb')} }
bridge: { kind: ${guest.bridge} }
policy: ${fileURLToPath(new URL('../../examples/policies/gpu.yaml', import.meta.url))}
`;
    const config = parseVmFile(text, { file: join(folder, 'vm.yaml') });
    return { ...config, platformDevices: example.platformDevices };
  }

  it.each([1, 2, 4])('sees all of it as it was written, with %i CPUs', async (cpus) => {
    const machine = new VirtualMachine(vm(cpus));
    let console = '';
    let blob: Uint8Array | undefined;
    const notes: string[] = [];
    machine.on('tree', (tree) => {
      blob = tree;
    });
    machine.on('note', (note) => notes.push(note));
    machine.on('qemu', (process) => {
      process.console.output.setEncoding('utf8').on('data', (text: string) => {
        console += text;
      });
    });
    const report = await machine.run();
    expect(report.ending, console).toBe('guest-shutdown');
    const lines = console.replaceAll('\r', '').split('\n');
    const told = (word: string) =>
      lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));
    const tree = parseTree(blob!);

    expect(told('cpus')).toEqual([String(cpus)]);
    expect(cpusOf(tree)).toBe(cpus);
    const written = writtenProperties(tree);
    expect(Object.keys(written).length).toBeGreaterThan(250);
    expect(seenProperties(told('property'))).toEqual(written);
    // Linux made devices of the nodes, at the addresses that the layout has for them.
    expect(told('device')).toEqual(
      expect.arrayContaining(['64000000.gpu', '66010000.host1x', '66800000.dce', '66100000.display', 'bpmp']),
    );
    // The pool of the carve-out is Linux's own.
    expect(lines.find((line) => line.startsWith('CmaTotal'))).toMatch(/ 65536 kB$/);
    expect(notes).toEqual([expect.stringContaining("this QEMU's own device tree differs from the layout")]);
    // By virtual-pa of the tree: it is where the window is.
    expect(report.release).toBeDefined();
    expect(console).toMatch(/PING/);
  });

  it("starts the mainline's kernel too, whose drivers come up and go down", async () => {
    const append = 'loglevel=4 clk_ignore_unused pd_ignore_unused -- show';
    const machine = new VirtualMachine(vm(2, { ...mainline, append, bridge: 'ivc' }));
    let console = '';
    machine.on('qemu', (process) => {
      process.console.output.setEncoding('utf8').on('data', (text: string) => {
        console += text;
      });
    });
    const report = await machine.run();
    expect(report.ending, console).toBe('guest-shutdown');
    expect(console).not.toMatch(/Oops|panic|Unable to handle/);
  });

  function cpusOf(tree: Tree): number {
    const cpus = findNode(tree, '/cpus')!;
    return [...cpus.children].filter((node) => readString(node.get('device_type')) === 'cpu').length;
  }

  /** By path, the property's SHA-256. */
  function writtenProperties(tree: Tree): Record<string, string> {
    const found: Record<string, string> = {};
    for (const node of walk(tree.root)) {
      const path = node.path === '/' ? '' : node.path;
      for (const [name, value] of node.properties)
        if (!ofQemu.test(`${path}/${name}`))
          found[`${path}/${name}`] = createHash('sha256').update(value).digest('hex');
    }
    return found;
  }

  /** The kernel gives each node a `name` of its own. */
  function seenProperties(lines: readonly string[]): Record<string, string> {
    const pairs = lines.map((line) => /^([0-9a-f]{64}) {2}\.(\/.*)$/.exec(line)!);
    return Object.fromEntries(
      pairs
        .filter(([, , path]) => !path!.endsWith('/name') && !ofQemu.test(path!))
        .map(([, hash, path]) => [path, hash]),
    );
  }
});

describe.skipIf(!hasBoards || !hasDtc)("a guest's tree from a real board's and a real QEMU's", () => {
  const file = fileURLToPath(new URL('../../examples/orin-gpu-vm.yaml', import.meta.url));
  const example = parseVmFile(readFileSync(file, 'utf8'), { file });

  it.each(boards)('%s: is content to dtc, and has each device where QEMU would', async (hostTree) => {
    const perCpus = await Promise.all(
      [1, 2, 4].map((smp) => {
        const machine = { machine: 'virt,gic-version=3', cpu: 'cortex-a72', smp: String(smp) };
        return plannedTree({ ...example, ...machine, qemu: { binary: qemu } }, { hostTree });
      }),
    );
    for (const { tree } of perCpus) {
      expect(dtcLint(writeTree(tree), 'dtb')).toEqual([]);
      expect(danglingReferences(tree)).toEqual([]);
    }
    // Only the number of CPUs tells them apart.
    const [one, two, four] = perCpus.map(({ tree }) => tree);
    expect(
      [one, two, four].map((tree) => [...findNode(tree!, '/cpus')!.children].filter(isCpu).length),
    ).toEqual([1, 2, 4]);
    const differing = [two, four].flatMap((tree) => diffTrees(one!, tree!, { byTarget: true }));
    const others = differing.filter(
      (change) => !('path' in change && /^\/(cpus|intc|timer|pmu|psci)/.test(change.path)),
    );
    expect(others).toEqual([]);

    const tree = two!;
    const { devices } = perCpus[1]!.devices!;
    const at = (host: string) =>
      regionsOf(findNode(tree, devices.find((each) => each.host === host)!.path)!).map(
        ({ address }) => address,
      );
    expect(at('17000000.gpu')).toEqual([0x6400_0000n, 0x6500_0000n, 0x6600_0000n]);
    // The mainline's host1x has three regions, so all behind it lies closer than with NVIDIA's four.
    expect(at('13e00000.host1x_pt')).toEqual([0x6601_0000n, 0x6602_0000n, 0x6603_0000n]);
    expect(at('15340000.vic')).toEqual([0x6604_0000n]);
    const vic = findNode(tree, devices.find(({ host }) => host === '15340000.vic')!.path)!;
    expect(interruptsOf(vic, phandlesOf(tree))!.map((line) => line!.cells)).toEqual([[0, 125, 4]]);
    expect(readCells(vic.get('clocks'))).toEqual([phandleOf(findNode(tree, '/bpmp')!), 167]);
    expect(readString(findNode(tree, '/platform-bus/host1x/nvdec')!.get('status'))).toBe('disabled');
  });

  function isCpu(node: TreeNode): boolean {
    return readString(node.get('device_type')) === 'cpu';
  }
});
