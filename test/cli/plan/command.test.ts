import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { shellCommand } from '../../../src/cli/plan/argv.js';
import { run } from '../../../src/cli/plan/command.js';
import { cleanUp, file, folder, orinBlob } from '../../vm/plan/host.js';
import { world } from '../world.js';

afterAll(cleanUp);

const example = fileURLToPath(new URL('../../../examples/orin-gpu-vm.yaml', import.meta.url));

async function plan(path: string, options: Record<string, unknown> = {}, json = false) {
  const surroundings = world('', { json });
  const call = { args: [path], options: { sysroot: folder, ...options } };
  const status = await run(call, surroundings.context);
  return { status, stdout: surroundings.stdout, stderr: surroundings.stderr };
}

/** No QEMU of that name, so that none is asked. */
const head = 'name: vm\nmachine: virt\nmemory: 4G\nqemu: {binary: /nowhere/qemu}\nplatformDevices:\n';

describe('gpuvm plan --argv', () => {
  const reference = [
    'qemu-system-aarch64',
    '-nographic',
    '-machine virt,accel=kvm',
    '-cpu host',
    '-smp 4',
    '-m 4G',
    '-no-reboot',
    '-kernel ./Image',
    '-drive file=rootfs_ubuntu_44gb.img.raw,if=virtio,format=raw',
    '-dtb tegra234-p3768-0000+p3767-0000-nv_vm.dtb',
    '-device vfio-platform,host=60000000.vm_hs_p,mmio-base=0x60000000',
    '-device vfio-platform,host=80000000.vm_cma_p,mmio-base=0x80000000',
    '-device vfio-platform,host=100000000.vm_cma_vram_p,mmio-base=0x100000000',
    '-device vfio-platform,host=17000000.gpu',
    '-device vfio-platform,host=13e00000.host1x_pt',
    '-device vfio-platform,host=15340000.vic',
    '-device vfio-platform,host=15480000.nvdec',
    '-device vfio-platform,host=15540000.nvjpg',
    '-device vfio-platform,host=d800000.dce',
    '-device vfio-platform,host=13800000.display',
    '-append "rootwait root=/dev/vda console=ttyAMA0 loglevel=7 debug clk_ignore_unused pd_ignore_unused"',
  ];

  it('is the command that somebody would type, with nothing else', async () => {
    const { status, stdout, stderr } = await plan(example, { argv: true });
    expect(stdout.map((line) => line.replace(/ \\$/, '').trim())).toEqual(reference);
    expect(stdout.slice(0, -1).every((line) => line.endsWith(' \\'))).toBe(true);
    expect({ status, stderr }).toEqual({ status: 0, stderr: [] });
  });

  it('is a list with --json', async () => {
    const { stdout } = await plan(example, { argv: true }, true);
    const words = JSON.parse(stdout.join('')) as string[];
    expect(words.slice(0, 4)).toEqual(['qemu-system-aarch64', '-nographic', '-machine', 'virt,accel=kvm']);
    expect(words.at(-1)).toMatch(/^rootwait .* pd_ignore_unused$/);
  });

  it('is quoted for a shell', () => {
    const words = ['qemu', '-append', 'a b', '-name', `it's "$HOME"`, '-x', '', 'plain'];
    expect(shellCommand(words)).toBe(
      `qemu \\\n    -append "a b" \\\n    -name 'it'\\''s "$HOME"' \\\n    -x "" \\\n    plain`,
    );
  });
});

describe('docs/plan.md', () => {
  it('has an example that comes out as it says', async () => {
    const page = readFileSync(fileURLToPath(new URL('../../../docs/plan.md', import.meta.url)), 'utf8');
    const [, devices] = /```yaml\n(.*?)```/s.exec(page)!;
    const [, shown] = /```text\n(.*?)```/s.exec(page)!;
    const text = `name: vm\nmachine: virt\nmemory: 4G\nqemu: {binary: /nowhere/qemu}\n${devices}`;
    const { stdout } = await plan(file('page.yaml', text));
    expect(stdout.join('\n')).toContain(shown);
  });
});

describe('gpuvm plan --json', () => {
  it('holds addresses and interrupts', async () => {
    const path = file(
      'good.yaml',
      `${head}  - {host: a, regions: [64K, 0x1000], interrupts: 2}\n  - {host: b, regions: [1M], interrupts: 0}\n`,
    );
    const { status, stdout } = await plan(path, {}, true);
    const { platformBus, ok, argv, steps, findings } = JSON.parse(stdout.join(''));
    expect(platformBus).toEqual([
      {
        host: 'a',
        regions: [
          { address: '0xc000000', size: '0x10000' },
          { address: '0xc010000', size: '0x1000' },
        ],
        spis: [112, 113],
      },
      { host: 'b', regions: [{ address: '0xc100000', size: '0x100000' }], spis: [] },
    ]);
    expect({ status, ok }).toEqual({ status: 0, ok: true });
    expect(argv[0]).toBe('/nowhere/qemu');
    expect(steps).toHaveLength(4);
    expect(findings).toContainEqual(expect.objectContaining({ id: 'plan.qemu', status: 'warn' }));
  });

  it('has null for what is not known, and the status tells', async () => {
    const { status, stdout, stderr } = await plan(file('unknown.yaml', `${head}  - {host: a}\n`), {}, true);
    expect(JSON.parse(stdout.join(''))).toMatchObject({
      ok: false,
      platformBus: [{ host: 'a', regions: null, spis: null }],
    });
    expect(status).toBe(69);
    expect(stderr[0]).toMatch(
      /unknown\.yaml:6:5: platformDevices\[1\]: the regions and interrupts of a are not known/,
    );
  });
});

describe('gpuvm plan', () => {
  const mistaken =
    `${head}  - {host: 80000000.a, mmioBase: 0x80000000, regions: [1M], interrupts: 0}\n  - host: 80080000.b\n    mmioBase: 0x80080000\n    regions: [64K]\n    interrupts: 65\n`.replace(
      '65',
      '64',
    );

  it('refuses at the line and column of what is wrong, and prints the plan all the same', async () => {
    const { status, stdout, stderr } = await plan(file('bad.yaml', mistaken));
    expect(status).toBe(78);
    const where = join(folder, 'bad.yaml');
    expect(stderr[0]).toBe(
      `gpuvm: ${where}:8:15: platformDevices[2]: 80080000.b mmioBase 0x80080000 overlaps 80000000.a region 1 (0x80000000 to 0x800fffff): the guest would silently get 0x80100000 instead; change it, or name the device before the one in its way`,
    );
    expect(stdout.join('\n')).toMatch(/80000000\.a +0x80000000 +to 0x800fffff/);
  });

  it('refuses with --argv too, where the VM file is at fault', async () => {
    const { status, stdout } = await plan(file('bad.yaml', mistaken), { argv: true });
    expect(status).toBe(78);
    expect(stdout[0]).toMatch(/^\/nowhere\/qemu/);
  });

  it('fits a terminal', async () => {
    const { stdout } = await plan(example, { hostTree: orinBlob() });
    const quoted = /^ +-append /;
    for (const line of stdout.filter((each) => !quoted.test(each)))
      expect(line.length, line).toBeLessThanOrEqual(100);
    for (const title of [
      'Devices of the host',
      "The guest's memory",
      'Changes to the host',
      'QEMU',
      'Policy',
    ])
      expect(
        stdout.some((line) => line.startsWith(title)),
        title,
      ).toBe(true);
  });

  it('writes a drawing to a file', async () => {
    const path = file('drawn.yaml', `${head}  - {host: a, regions: [64K], interrupts: 0}\n`);
    const svg = join(folder, 'map.svg');
    const { status, stdout } = await plan(path, { svg });
    expect({ status, stdout }).toEqual({ status: 0, stdout: [] });
    expect(readFileSync(svg, 'utf8')).toMatch(/^<\?xml .*<\/svg>\n$/s);
    expect((await plan(path, { svg: true })).stdout.join('\n')).toContain('<svg ');
    await expect(plan(path, { svg: join(folder, 'no/such/folder.svg') })).rejects.toMatchObject({
      code: 'GPUVM_FILE',
    });
  });
});
