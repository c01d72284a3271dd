import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run as check } from '../../../src/cli/dt/check.js';
import { loadVmFile } from '../../../src/config/index.js';
import {
  cells,
  findNode,
  parseTree,
  readCells,
  type Tree,
  u64s,
  writeTree,
} from '../../../src/devicetree/index.js';
import { plannedTree } from '../../../src/vm/tree/planned.js';
import { hasDtc } from '../../devicetree/dtc.js';
import { hostBlob } from '../../devicetree/fixtures/tegra234.js';
import { virtTree } from '../../passthrough/virt.js';
import { type FakeQemu, fakeQemu, removeFakes } from '../doctor/fake-qemu.js';
import { world } from '../world.js';

const policy = fileURLToPath(new URL('../../../examples/policies/gpu.yaml', import.meta.url));
const BUS = '/platform-bus@60000000';
const GPU = `${BUS}/gpu@17000000`;

describe.skipIf(!hasDtc)('gpuvm dt check', () => {
  let work: string;
  let good: Tree;
  beforeAll(async () => {
    work = mkdtempSync(join(tmpdir(), 'gpuvm-dt-check-'));
    writeFileSync(join(work, 'host.dtb'), hostBlob());
    const own = virtTree({ cpus: 4 });
    findNode(own, '/bpmp')!.detach();
    writeFileSync(join(work, 'qemu.dtb'), writeTree(own));
    const config = await loadVmFile(vm({ window: 'guestAddress: 0x090d0000' }));
    ({ tree: good } = await plannedTree(config, { qemuTree: join(work, 'qemu.dtb') }));
  });
  afterAll(() => {
    rmSync(work, { recursive: true, force: true });
    removeFakes();
  });

  let count = 0;
  const patched: FakeQemu = { version: '11.0.0', devices: { 'vfio-platform': ['host', 'mmio-base'] } };

  function vm({ window = '', qemu = fakeQemu(patched), smp = 4 } = {}): string {
    const path = join(work, `${count++}.yaml`);
    writeFileSync(
      path,
      `name: checked
qemu: { binary: ${qemu} }
machine: virt
smp: ${smp}
memory: 1G
kernel: Image
append: quiet clk_ignore_unused pd_ignore_unused
deviceTree: { hostTree: ${join(work, 'host.dtb')} }
bridge: { kind: interposed, ${window} }
policy: ${policy}
platformDevices:
  - { host: 80000000.vm_cma_p, mmioBase: 0x80000000, regions: [768M], interrupts: 0 }
  - { host: 17000000.gpu }
  - { host: 13e00000.host1x_pt }
  - { host: 15340000.vic }
  - { host: 15480000.nvdec }
`,
    );
    return path;
  }

  function file(tree: Tree | Uint8Array): string {
    const path = join(work, `${count++}.dtb`);
    writeFileSync(path, tree instanceof Uint8Array ? tree : writeTree(tree));
    return path;
  }

  async function call(args: readonly string[], { json = false, ...options }: Record<string, unknown> = {}) {
    const surroundings = world('', { json: json === true });
    const wanted = { qemuTree: join(work, 'qemu.dtb'), ...options };
    const status = await check({ args, options: wanted }, surroundings.context);
    return { status, stdout: surroundings.stdout, stderr: surroundings.stderr };
  }

  /** The good one with a window, a CPU count, an interrupt and a range from before. */
  function stale(): Tree {
    const tree = parseTree(writeTree(good));
    findNode(tree, '/bpmp')!.set('virtual-pa', u64s(0x090c_0000n));
    findNode(tree, '/cpus/cpu@3')!.detach();
    for (const [path, property, index] of [
      [GPU, 'interrupts', 1],
      [BUS, 'ranges', 9],
    ] as const) {
      const node = findNode(tree, path)!;
      const words = readCells(node.get(property))!;
      words[index] =
        words[index]! + 0x1_0000 * (property === 'ranges' ? 1 : 0) + (property === 'ranges' ? 0 : 8);
      node.set(property, cells(...words));
    }
    return tree;
  }

  it('has nothing against the tree that a run makes', async () => {
    const [guest, vmFile] = [file(good), vm()];
    expect(await call([guest, vmFile])).toEqual({
      status: 0,
      stdout: [`${guest}: as ${vmFile} needs it`],
      stderr: ['gpuvm: not checked: whether the host reserves 80000000.vm_cma_p: its tree does not have it'],
    });
  });

  it('finds the four stale numbers of a tree from an older QEMU and one CPU less, and mends them', async () => {
    const [guest, vmFile] = [file(stale()), vm()];
    const { status, stdout } = await call([guest, vmFile]);
    expect(status).toBe(1);
    expect(stdout).toEqual([
      expect.stringMatching(
        /^\/bpmp: virtual-pa: the BPMP's window is not at 0x90c0000; right: <0x0 0x90d0000> \(.* is QEMU 11\.0\.0/,
      ),
      '/cpus: 3 CPUs, and smp of the VM file makes 4; right: cpu@0 cpu@1 cpu@2 cpu@3',
      expect.stringMatching(
        `^${BUS}: ranges: the entry <0x17000000 0x[0-9a-f]+ 0x1000000> has 17000000\\.gpu at 0x[0-9a-f]+, and QEMU has it at `,
      ),
      `${GPU}: interrupts: line 1 is SPI 120, high level, and QEMU gives 17000000.gpu SPI 112; right: <0 112 4>`,
    ]);
    const output = join(work, 'mended.dtb');
    const mended = await call([guest, vmFile], { fix: output });
    expect(mended).toMatchObject({ status: 0, stdout: [...stdout, `${output}: 4 of 4 corrected`] });
    expect(await call([output, vmFile])).toMatchObject({
      status: 0,
      stdout: [`${output}: as ${vmFile} needs it`],
    });
    expect(parseTree(readFileSync(guest))).toEqual(parseTree(writeTree(stale())));
  });

  it.each<[string, string, FakeQemu, string | undefined]>([
    [
      'QEMU has it',
      '',
      { ...patched, regions: [[0x90a_0000n, 0x90a_0fffn, 'nvidia.bpmp_guest']] },
      '<0x0 0x90a0000>',
    ],
    ['this release of QEMU has it', '', { ...patched, version: '9.2.0' }, '<0x0 0x90c0000>'],
    ['the VM file says', 'guestAddress: 0x090b0000', patched, '<0x0 0x90b0000>'],
    [
      'newer releases have it, although the VM file is stale too',
      'guestAddress: 0x090c0000',
      patched,
      undefined,
    ],
  ])('takes the window to be where %s', async (_, window, qemu, right) => {
    const { stdout } = await call([file(good), vm({ window, qemu: fakeQemu(qemu) })]);
    if (right === undefined) expect(stdout).toEqual([expect.stringMatching(/: as .* needs it$/)]);
    else
      expect(stdout).toEqual([
        expect.stringContaining(`/bpmp: virtual-pa: the BPMP's window is not at 0x90d0000; right: ${right}`),
      ]);
  });

  it('says what it could not ask a QEMU that is not there', async () => {
    const missing = vm({ qemu: join(work, 'no-qemu') });
    const { status, stderr } = await call([file(good), missing], { qemuTree: undefined });
    expect(status).toBe(0);
    expect(stderr).toEqual([
      expect.stringMatching(/^gpuvm: not checked: where QEMU has the BPMP's window: .*no-qemu/),
      expect.stringMatching(
        /^gpuvm: not checked: QEMU's own tree, so of the CPUs only their number: .*no-qemu/,
      ),
      expect.stringContaining('whether the host reserves'),
    ]);
    const one = await call([file(good), vm({ qemu: join(work, 'no-qemu'), smp: 3 })], {
      qemuTree: undefined,
    });
    expect(one.stdout).toEqual(['/cpus: 4 CPUs, and smp of the VM file makes 3; right: cpu@0 cpu@1 cpu@2']);
  });

  it('says what it could not correct, and ends with 1 then', async () => {
    const tree = stale();
    findNode(tree, GPU)!.set('foo-supply', cells(0x4711));
    const output = join(work, 'partly.dtb');
    const { status, stdout } = await call([file(tree), vm()], { fix: output });
    expect(status).toBe(1);
    expect(stdout.slice(-2)).toEqual([
      `${output}: 4 of 5 corrected`,
      `not corrected: ${GPU}: foo-supply: its entry 1 refers to phandle 0x4711, which no node has; right: the phandle of a node of this tree, or no such entry`,
    ]);
    const { stdout: text } = await call([file(tree), vm()], { json: true });
    const json = JSON.parse(text[0]!) as { findings: { correctable: boolean }[] };
    expect(json).toMatchObject({
      ok: false,
      findings: [
        { id: 'guest-tree.window', path: '/bpmp', property: 'virtual-pa', correctable: true },
        {},
        {},
        {},
        {},
      ],
      notChecked: [expect.any(String)],
    });
    expect(json.findings.map(({ correctable }) => correctable)).toEqual([true, true, true, true, false]);
  });

  it('says in one line what is wrong with its files, and writes nothing then', async () => {
    const output = join(work, 'never.dtb');
    const blob = writeTree(good);
    for (const bytes of [blob.subarray(0, 400), new Uint8Array(0), Buffer.from('/dts-v1/;')])
      await expect(call([file(bytes), vm()], { fix: output })).rejects.toMatchObject({
        code: 'GPUVM_DEVICE_TREE',
        message: expect.stringMatching(/^[^\n]+\.dtb: [^\n]+$/),
      });
    for (const options of [{ hostTree: join(work, 'none.dtb') }, { qemuTree: join(work, 'none.dtb') }])
      await expect(call([file(good), vm()], { ...options, fix: output })).rejects.toMatchObject({
        code: 'GPUVM_FILE',
        message: expect.stringMatching(/none\.dtb cannot be read: it is not there$/),
      });
    expect(existsSync(output)).toBe(false);
  });
});
