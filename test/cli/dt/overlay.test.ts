import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../../src/cli/dt/overlay.js';
import { run as plan } from '../../../src/cli/plan/command.js';
import { diffTrees, findNode, parseTree, readCells, writeTree } from '../../../src/devicetree/index.js';
import { dtc, fdtoverlay, hasDtc } from '../../devicetree/dtc.js';
import { hostBlob, hostTree } from '../../devicetree/fixtures/tegra234.js';
import { world } from '../world.js';

const example = fileURLToPath(new URL('../../../examples/orin-gpu-vm.yaml', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'gpuvm-dt-overlay-'));
const at = (name: string) => join(folder, name);
beforeAll(() => {
  if (!hasDtc) return;
  writeFileSync(at('taken.dtb'), hostBlob());
  const tree = hostTree();
  findNode(tree, '/reserved-memory/generic-carveout@100000000')!.detach();
  tree.root.child('__symbols__')!.properties.delete('generic_reserved');
  writeFileSync(at('host.dtb'), writeTree(tree));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function overlay(
  options: Record<string, unknown> = {},
  { host = 'host.dtb', file = example, json = false } = {},
) {
  const surroundings = world('', { json });
  const status = await run({ args: [at(host), file], options }, surroundings.context);
  return { status, stdout: surroundings.stdout, stderr: surroundings.stderr };
}

describe.skipIf(!hasDtc)('gpuvm dt overlay', () => {
  it('makes a blob, its source, and the tree that comes of it', async () => {
    const [blob, source, applied] = [at('vm.dtbo'), at('vm.dts'), at('applied.dtb')];
    const { status, stdout, stderr } = await overlay({ output: blob, apply: applied });
    expect([status, stdout]).toEqual([0, []]);
    expect(stderr).toEqual([
      expect.stringMatching(
        /^gpuvm: warning: 13e00000\.host1x_pt takes nvjpg@15380000, .*: see gpuvm dt analyze$/,
      ),
      expect.stringMatching(/^gpuvm: warning: 13800000\.display is put behind NVDISPLAY/),
    ]);
    expect(await overlay({ output: source })).toMatchObject({ status: 0, stdout: [] });
    expect(dtc(readFileSync(source), 'dts', 'dtb', '-@')).toEqual(readFileSync(blob));
    const theirs = fdtoverlay(readFileSync(at('host.dtb')), readFileSync(blob))!;
    expect(diffTrees(parseTree(theirs), parseTree(readFileSync(applied)))).toEqual([]);
    const { stdout: lines } = await overlay({ dts: true });
    expect(`${lines.join('\n')}\n`).toBe(readFileSync(source, 'utf8'));
    expect(lines[1]).toBe(
      ' * Gives devices of the host to the VM orin-gpu-vm: an overlay for host.dtb, made by gpuvm dt overlay.',
    );
  });

  it('makes a tree for the host with which gpuvm plan is content', async () => {
    await overlay({ apply: at('applied.dtb') });
    const surroundings = world('', { json: true });
    const status = await plan(
      { args: [example], options: { hostTree: at('applied.dtb'), sysroot: folder } },
      surroundings.context,
    );
    const { findings } = JSON.parse(surroundings.stdout.join('\n'));
    expect(findings.filter((each: { status: string }) => each.status === 'fail')).toEqual([]);
    expect(status).toBe(0);
  });

  it('lets through the clocks above, as the model of the BPMP has them', async () => {
    await overlay({ output: at('vm.dtbo') });
    const applied = parseTree(fdtoverlay(readFileSync(at('host.dtb')), readFileSync(at('vm.dtbo')))!);
    const clocks = readCells(findNode(applied, '/bpmp_host_proxy')!.get('allowed-clocks'));
    // GPUSYS, and PLLP_OUT0, CLK_M and OSC above it.
    expect(clocks).toEqual(expect.arrayContaining([304, 102, 14, 91]));
    await expect(overlay({ bpmp: 'none' })).rejects.toMatchObject({ code: 'GPUVM_USAGE' });
  });

  it('writes nothing that would not work, and says why', async () => {
    const { status, stdout, stderr } = await overlay(
      { output: at('none.dtbo'), apply: at('none.dtb') },
      { host: 'taken.dtb' },
    );
    expect([status, stdout]).toEqual([69, []]);
    expect(stderr[0]).toMatch(
      /^gpuvm: 100000000\.vm_cma_vram_p, .*\/reserved-memory\/generic-carveout@100000000 has 0x100000000 to 0x10fffffff: move the carve-out/,
    );
    expect([existsSync(at('none.dtbo')), existsSync(at('none.dtb'))]).toEqual([false, false]);
  });

  it('tells programs the same', async () => {
    const told = async (host: string) => {
      const { status, stdout } = await overlay({ output: at('x.dtbo') }, { host, json: true });
      return { status, ...JSON.parse(stdout.join('\n')) };
    };
    expect(await told('host.dtb')).toMatchObject({ status: 0, ok: true, output: at('x.dtbo') });
    const { devices, ...rest } = await told('taken.dtb');
    expect(rest).toMatchObject({ status: 69, ok: false });
    expect(rest).not.toHaveProperty('output');
    expect(devices).toContainEqual({ host: '17000000.gpu', profile: 'gpu', how: 'in place' });
  });

  it('needs devices', async () => {
    writeFileSync(at('vm.yaml'), 'name: none\nmachine: virt\nkernel: /k\n');
    await expect(overlay({}, { file: at('vm.yaml') })).rejects.toMatchObject({
      code: 'GPUVM_USAGE',
      message: expect.stringContaining('has no platformDevices'),
    });
  });
});
