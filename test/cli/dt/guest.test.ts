import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../../src/cli/dt/guest.js';
import { findNode, parseTree, printTree, regionsOf, writeTree } from '../../../src/devicetree/index.js';
import { dtc, hasDtc } from '../../devicetree/dtc.js';
import { hostBlob } from '../../devicetree/fixtures/tegra234.js';
import { virtTree } from '../../passthrough/virt.js';
import { world } from '../world.js';

const example = fileURLToPath(new URL('../../../examples/orin-gpu-vm.yaml', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'gpuvm-dt-'));
const [qemuTree, hostTree] = ['qemu.dtb', 'host.dtb'].map((name) => join(folder, name)) as [string, string];
beforeAll(() => {
  const tree = virtTree();
  findNode(tree, '/bpmp')!.detach();
  writeFileSync(qemuTree, writeTree(tree));
  if (hasDtc) writeFileSync(hostTree, hostBlob());
});
afterAll(() => rmSync(folder, { recursive: true }));

async function guest(
  options: Record<string, unknown> = {},
  { json = false, verbose = false, file = example } = {},
) {
  const surroundings = world('', { json });
  const context = { ...surroundings.context, verbose };
  const status = await run({ args: [file], options: { qemuTree, hostTree, ...options } }, context);
  return { status, stdout: surroundings.stdout, stderr: surroundings.stderr };
}

describe.skipIf(!hasDtc)('gpuvm dt guest', () => {
  it('makes a blob, and its source', async () => {
    const [blob, source] = ['guest.dtb', 'guest.dts'].map((name) => join(folder, name)) as [string, string];
    expect(await guest({ output: blob })).toEqual({ status: 0, stdout: [], stderr: [] });
    const tree = parseTree(readFileSync(blob));
    expect(regionsOf(findNode(tree, '/platform-bus/gpu')!)[0]!.address).toBe(0x6400_0000n);
    expect(await guest({ output: source })).toMatchObject({ status: 0, stdout: [] });
    expect(readFileSync(source, 'utf8')).toBe(printTree(tree));
    expect(dtc(readFileSync(source), 'dts', 'dtb')).toEqual(readFileSync(blob));
    const { stdout } = await guest({ dts: true });
    expect(stdout.join('\n')).toBe(printTree(tree).trimEnd());
  });

  it('says what became of each property, where asked', async () => {
    const { stderr } = await guest({ dts: true }, { verbose: true });
    expect(stderr).toContain('17000000.gpu: /platform-bus@60000000/gpu@17000000, by the profile gpu');
    expect(stderr).toContainEqual(
      expect.stringMatching(/vic@15340000: iommus dropped: the SMMU is the host's/),
    );
    const { stdout } = await guest({ output: join(folder, 'x.dtb') }, { json: true });
    const report = JSON.parse(stdout.join('\n'));
    expect(report.devices).toHaveLength(7);
    expect(report.memory.map(({ name }: { name: string }) => name)).toContain('linux,cma');
    expect(report.changes[0]).toEqual(expect.objectContaining({ reason: expect.any(String) }));
  });

  it('warns of what the host does not tell', async () => {
    const empty = join(folder, 'empty');
    const { status, stderr } = await guest({ hostTree: undefined, sysroot: empty, dts: true });
    expect(status).toBe(0);
    expect(stderr).toContainEqual(
      expect.stringMatching(/^gpuvm: warning: 17000000\.gpu: .*\(--host-tree\)$/),
    );
  });

  it('says what to do where the QEMU of the VM cannot be asked', async () => {
    const file = join(folder, 'vm.yaml');
    const text = readFileSync(example, 'utf8');
    writeFileSync(file, text.replace('binary: qemu-system-aarch64', 'binary: /nowhere/qemu'));
    await expect(guest({ qemuTree: undefined }, { file })).rejects.toThrow(/nowhere.*--qemu-tree/);
  });
});
