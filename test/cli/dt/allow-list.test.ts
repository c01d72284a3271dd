import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../../src/cli/dt/allow-list.js';
import { run as check } from '../../../src/cli/policy-check.js';
import { cells, OverlayBuilder, type Tree, type TreeNode, writeTree } from '../../../src/devicetree/index.js';
import { hasDtc } from '../../devicetree/dtc.js';
import { hostBlob, hostTree } from '../../devicetree/fixtures/tegra234.js';
import { FIVE, UNION } from '../../passthrough/devices.js';
import { world } from '../world.js';

const fileOf = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const example = fileOf('examples/policies/gpu.yaml');
const folder = mkdtempSync(join(tmpdir(), 'gpuvm-dt-'));
const host = join(folder, 'host.dtb');
beforeAll(() => {
  if (hasDtc) writeFileSync(host, hostBlob());
});
afterAll(() => rmSync(folder, { recursive: true }));

async function allowList(options: Record<string, unknown>, { json = false, tree = host } = {}) {
  const surroundings = world('', { json });
  const status = await run({ args: [tree], options }, surroundings.context);
  return { status, stdout: surroundings.stdout, stderr: surroundings.stderr };
}

const five = { device: FIVE };

describe.skipIf(!hasDtc)('gpuvm dt allow-list', () => {
  it('prints a policy that gpuvm policy check takes', async () => {
    const { stdout } = await allowList({ ...five, bpmp: 'simulated' });
    const policy = join(folder, 'policy.yaml');
    writeFileSync(policy, `${stdout.join('\n')}\n`);
    const surroundings = world('', { json: true });
    expect(await check({ args: [policy], options: {} }, surroundings.context)).toBe(0);
    const { granted, warnings } = JSON.parse(surroundings.stdout.join('\n'));
    expect(warnings).toEqual([]);
    expect(granted.resets).toEqual(['NVJPG1', 'GPU', 'NVDEC', 'VIC']);
    expect(granted.clocks).toEqual(expect.arrayContaining(['FUSE', 'GPUSYS', 'OSC']));
  });

  it('prints each entry with its reason, as JSON', async () => {
    const { stdout } = await allowList(five, { json: true });
    const list = JSON.parse(stdout.join('\n'));
    expect(list.clocks.map(({ id }: { id: number }) => id)).toEqual(UNION.clocks);
    expect(list.clocks.find(({ name }: { name: string }) => name === 'FUSE')).toEqual({
      id: 40,
      name: 'FUSE',
      reason: 'nvdec@15480000: clocks[1] "fuse"',
      right: 'use',
      shared: true,
      usedBy: ['fuse@3810000', 'display@13800000'],
      wouldUse: [],
      devices: ['nvdec@15480000'],
    });
    expect(list).toMatchObject({ parents: false, devices: [{ host: '17000000.gpu' }, {}, {}, {}, {}] });
  });

  it('takes the devices of a VM file, and the tree of a running kernel', async () => {
    const live = join(folder, 'root/proc/device-tree');
    show(hostTree(), live);
    const vm = fileOf('examples/orin-gpu-vm.yaml');
    const { stdout } = await allowList({ vm }, { json: true, tree: live });
    const list = JSON.parse(stdout.join('\n'));
    expect(list.devices.map(({ name }: { name: string }) => name)).toEqual([
      ...FIVE,
      'dce@d800000',
      'display@13800000',
    ]);
    expect(list.clocks.map(({ id }: { id: number }) => id)).toEqual(
      expect.arrayContaining([...UNION.clocks]),
    );
  });

  it('says of a device that needs nothing that it is so', async () => {
    const { stderr } = await allowList({ device: ['dce'] });
    expect(stderr).toEqual([
      expect.stringMatching(/^gpuvm: dce@d800000: neither the host's tree nor a profile says/),
    ]);
  });

  it('warns of a device whose driver asks for more', async () => {
    const { stderr } = await allowList({ device: ['pcie_c4'] });
    expect(stderr).toEqual([expect.stringMatching(/^gpuvm: warning: pcie@14160000: its driver asks/)]);
    expect((await allowList({ device: ['gpu'] })).stderr).toEqual([]);
  });

  it("prints the host driver's node", async () => {
    const { stdout } = await allowList({ device: ['nvdec@15480000'], properties: true });
    expect(stdout).toContain('\tcompatible = "nvidia,bpmp-host-proxy";');
    expect(stdout).toContain('\t\t<40>, /* FUSE, shared */');
  });

  describe('--compare', () => {
    it('with a policy that is right says so, and what was not judged', async () => {
      expect(await allowList({ ...five, compare: example })).toMatchObject({
        status: 0,
        stdout: [
          'not judged: clock CLK_M (14): it may be a parent, which --bpmp would tell',
          'not judged: clock OSC (91): it may be a parent, which --bpmp would tell',
          'not judged: clock PLLP_OUT0 (102): it may be a parent, which --bpmp would tell',
        ],
      });
      expect(await allowList({ ...five, bpmp: 'simulated', compare: example })).toMatchObject({
        status: 0,
        stdout: [`${example}: as these devices need it`],
      });
    });

    it('with one that is not says each difference, and ends with 1', async () => {
      const text = readFileSync(example, 'utf8')
        .replace('FUSE: shared', 'FUSE: use')
        .replace('  GPUSYS: use\n', '  UARTA: use\n');
      const wrong = join(folder, 'wrong.yaml');
      writeFileSync(wrong, text);
      const { status, stdout } = await allowList({ ...five, compare: wrong });
      expect(status).toBe(1);
      expect(stdout).toEqual(
        expect.arrayContaining([
          'missing: clock GPUSYS (304): gpu@17000000: clocks[0] "sysclk"',
          'superfluous: clock UARTA (155): none of these devices uses it',
          'not shared: clock FUSE (40): fuse@3810000, display@13800000 use it too',
        ]),
      );
      const { stdout: json } = await allowList({ ...five, compare: wrong }, { json: true });
      expect(JSON.parse(json.join('\n'))).toMatchObject({
        compared: wrong,
        equal: false,
        missing: { clocks: [{ name: 'GPUSYS' }], resets: [] },
        notShared: { clocks: [{ name: 'FUSE' }] },
      });
    });

    it("takes a node of the host's tree, and an overlay", async () => {
      const lists = (node: { set(name: string, value: Uint8Array): unknown }) => {
        node.set('allowed-clocks', cells(...UNION.clocks));
        node.set('allowed-resets', cells(...UNION.resets));
      };
      const tree = hostTree();
      lists(tree.root.add('bpmp_host_proxy'));
      const withNode = join(folder, 'with.dtb');
      writeFileSync(withNode, writeTree(tree));
      const overlay = new OverlayBuilder();
      lists(overlay.fragment('/').add('bpmp_host_proxy'));
      const dtbo = join(folder, 'proxy.dtbo');
      writeFileSync(dtbo, writeTree(overlay.build()));
      for (const [compare, tree] of [
        ['bpmp_host_proxy', withNode],
        ['/bpmp_host_proxy', withNode],
        [dtbo, host],
      ]) {
        const { status, stdout } = await allowList({ ...five, compare }, { tree: tree! });
        expect([status, stdout.length, stdout[0]]).toEqual([
          1,
          4,
          'missing: power domain GPU (35): gpu@17000000: power-domains[0]',
        ]);
      }
    });
  });

  it('refuses what it cannot do, by its name', async () => {
    const mistake = (options: Record<string, unknown>, tree = host) =>
      allowList(options, { tree }).catch(
        (error: Error & { code: string }) => `${error.code}: ${error.message}`,
      );
    expect(await mistake({})).toMatch(/^GPUVM_USAGE: which devices\?/);
    expect(await mistake({ ...five, bpmp: 'real' })).toMatch(
      /^GPUVM_USAGE: --bpmp is simulated, host-device/,
    );
    expect(await mistake({ ...five, bpmp: '/no/where' })).toMatch(/^GPUVM_HOST_DEVICE: no \/no\/where/);
    const empty = join(folder, 'empty');
    writeFileSync(empty, '');
    expect(await mistake({ ...five, bpmp: empty })).toMatch(/^GPUVM_HOST_DEVICE: no parents can be asked of/);
    expect(await mistake({ ...five, compare: 'gpu' })).toMatch(/^GPUVM_USAGE: gpu has no allowed-clocks/);
    expect(await mistake({ ...five, compare: '/no/where' })).toMatch(/^GPUVM_FILE: .*: ENOENT/);
    expect(await mistake({ ...five, compare: host })).toMatch(
      /^GPUVM_USAGE: .* has no node with allowed-clocks/,
    );
    expect(await mistake(five, '/no/where.dtb')).toMatch(/^GPUVM_FILE: .*it is not there/);
    expect(await mistake(five, folder)).toMatch(/^GPUVM_FILE: .* no kernel's device tree/);
    expect(await mistake(five, example)).toMatch(/^GPUVM_DEVICE_TREE/);
  });
});

/** As the kernel shows a tree. */
function show({ root }: Tree, folder: string): void {
  const fill = (node: TreeNode, path: string) => {
    mkdirSync(path, { recursive: true });
    for (const [name, value] of node.properties) writeFileSync(join(path, name), value);
    for (const child of node.children) fill(child, join(path, child.name));
  };
  fill(root, folder);
}
