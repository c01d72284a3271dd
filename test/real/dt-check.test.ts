import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run as check } from '../../src/cli/dt/check.js';
import { run as diff } from '../../src/cli/dt/diff.js';
import { run as set } from '../../src/cli/dt/set.js';
import { run as show } from '../../src/cli/dt/show.js';
import { cacheFolder, loadVmFile } from '../../src/config/index.js';
import { cells, findNode, parseTree, readCells, type Tree, writeTree } from '../../src/devicetree/index.js';
import { plannedTree } from '../../src/vm/tree/planned.js';
import { world } from '../cli/world.js';
import { dtc, fdtget, hasDtc } from '../devicetree/dtc.js';

const cache = cacheFolder();
const qemu = join(cache, 'qemu/bin/qemu-system-aarch64');
const trees = ['orin-agx', 'orin-nx'].map((name) => join(cache, `guest-kernel/current/${name}.dtb`));
const isPrepared = hasDtc && [qemu, ...trees].every((path) => existsSync(path));
if (!isPrepared) console.warn('SKIPPED: needs the trees and the QEMU that scripts/setup makes, and dtc');

type Run = typeof show;

async function call(run: Run, args: readonly string[], options: Record<string, unknown> = {}) {
  const surroundings = world();
  const status = await run({ args, options }, surroundings.context);
  return { status, stdout: surroundings.stdout, stderr: surroundings.stderr };
}

const work = mkdtempSync(join(tmpdir(), 'gpuvm-dt-check-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

describe.skipIf(!isPrepared).each(trees)('a guest of the host with %s, on a real QEMU', (hostTree) => {
  const policy = fileURLToPath(new URL('../../examples/policies/gpu.yaml', import.meta.url));
  const path = (name: string) => join(work, name);
  let good: Tree;

  function vm(smp: number, window: string): string {
    const file = path(`${smp}-${window}.yaml`);
    writeFileSync(
      file,
      `name: checked
qemu: { binary: ${qemu} }
machine: virt
cpu: cortex-a72
smp: ${smp}
memory: 1G
kernel: Image
append: clk_ignore_unused pd_ignore_unused
deviceTree: { hostTree: ${hostTree} }
bridge: { kind: interposed, guestAddress: ${window} }
policy: ${policy}
platformDevices: [{ host: 13e00000.host1x }, { host: 15340000.vic }, { host: 15480000.nvdec }]
`,
    );
    return file;
  }

  const planned = async (smp: number, window: string) =>
    (await plannedTree(await loadVmFile(vm(smp, window)))).tree;

  beforeAll(async () => {
    good = await planned(4, '0x090d0000');
  });

  it('has nothing against the tree that a run would make', async () => {
    writeFileSync(path('good.dtb'), writeTree(good));
    const file = vm(4, '0x090d0000');
    expect(await call(check, [path('good.dtb'), file])).toEqual({
      status: 0,
      stdout: [`${path('good.dtb')}: as ${file} needs it`],
      stderr: [],
    });
  });

  it('finds the window of an older QEMU, one CPU less, one range and one SPI; mended, it is the tree of a run', async () => {
    const stale = await planned(3, '0x090c0000');
    const bus = [...stale.root.children].find(({ name }) => name.startsWith('platform-bus@'))!;
    const nvdec = [...bus.children]
      .flatMap((node) => [node, ...node.children])
      .find(({ name }) => name === 'nvdec@15480000')!;
    const host1x = nvdec.parent!;
    const change = (node: typeof bus, property: string, index: number, by: number) => {
      const words = readCells(node.get(property))!;
      words[index] = words[index]! + by;
      node.set(property, cells(...words));
    };
    change(host1x, 'interrupts', 4, 3);
    const row = readCells(bus.get('ranges'))!.findIndex((word, at) => at % 6 === 1 && word === 0x1548_0000);
    change(bus, 'ranges', row + 2, 0x4_0000);
    writeFileSync(path('stale.dtb'), writeTree(stale));

    // Even where the VM file still says what was right for a release before 10.
    const file = vm(4, '0x090c0000');
    const { status, stdout } = await call(check, [path('stale.dtb'), file]);
    expect(status).toBe(1);
    expect(stdout).toEqual([
      expect.stringMatching(
        /^\/bpmp: virtual-pa: the BPMP's window is not at 0x90c0000; right: <0x0 0x90d0000> \(.* is QEMU 1\d\./,
      ),
      '/cpus: 3 CPUs, and smp of the VM file makes 4; right: cpu@0 cpu@1 cpu@2 cpu@3',
      expect.stringMatching(
        /: ranges: the entry <0x15480000 .* has 15480000\.nvdec at 0x[0-9a-f]+, and QEMU has it at /,
      ),
      expect.stringMatching(
        /host1x@13e00000: interrupts: line 2 is SPI 116, high level, and QEMU gives 13e00000\.host1x SPI 113, high level|host1x@13e00000: interrupts: line 2 is SPI 116, high level, and QEMU gives 13e00000\.host1x SPI 113; right: <0 113 4>/,
      ),
    ]);
    const fixed = path('fixed.dtb');
    expect(await call(check, [path('stale.dtb'), file], { fix: fixed })).toMatchObject({ status: 0 });
    expect(await call(check, [fixed, file])).toMatchObject({ status: 0 });
    writeFileSync(path('good.dtb'), writeTree(good));
    expect(await call(diff, [fixed, path('good.dtb')])).toEqual({ status: 0, stdout: [], stderr: [] });
  });

  it('is shown as dtc reads it, and set as fdtget reads it', async () => {
    const { stdout } = await call(show, [hostTree]);
    const again = path('again.dtb');
    writeFileSync(again, dtc(`${stdout.join('\n')}\n`, 'dts', 'dtb'));
    expect(readFileSync(again).equals(dtc(readFileSync(hostTree), 'dtb', 'dtb'))).toBe(true);
    const clocks = (await call(show, [hostTree, 'nvdec:clocks'])).stdout;
    expect(clocks).toEqual([
      '<&bpmp 0x53 /* NVDEC */>, <&bpmp 0x28 /* FUSE */>, <&bpmp 0x9a /* TSEC_PKA */>',
    ]);
    await call(set, [again, 'vic:clocks', '<&bpmp NVDEC>, <&bpmp FUSE>, <&bpmp TSEC_PKA>']);
    const vic = '/bus@0/host1x@13e00000/vic@15340000';
    expect(fdtget(readFileSync(again), vic, 'clocks', 'x')).toBe(
      fdtget(readFileSync(hostTree), vic.replace('vic@15340000', 'nvdec@15480000'), 'clocks', 'x'),
    );
    const { status, stdout: changes } = await call(diff, [hostTree, again]);
    expect(status).toBe(1);
    expect(changes.filter((line) => line.startsWith('+ '))).toEqual([`+ clocks = ${clocks[0]};`]);
    expect(findNode(parseTree(readFileSync(again)), vic)!.get('reg')).toBeDefined();
  });
});
