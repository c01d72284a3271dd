import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { cells, emptyTree, findNode, strings, writeTree } from '../../../src/devicetree/index.js';
import { makePlan, type PlanOptions } from '../../../src/vm/plan/index.js';
import { cleanUp, file, folder, orin, orinBlob, vm } from './host.js';

afterAll(cleanUp);

const empty = join(folder, 'empty');
mkdirSync(empty);
const patched = async () => ['host', 'mmio-base'];
const stock = async () => ['host'];
const none = async () => undefined;

const plan = (devices: string, options: PlanOptions = {}, more = '') =>
  makePlan(vm(devices, more), { sysroot: empty, askQemu: patched, ...options });

const hex = (value: bigint | undefined) => value && `0x${value.toString(16)}`;
const placed = ({ devices }: Awaited<ReturnType<typeof makePlan>>) =>
  devices.map(({ host, regions, spis }) => [host, regions?.map(({ address }) => hex(address)), spis]);
const told = ({ findings }: Awaited<ReturnType<typeof makePlan>>, status: string) =>
  findings.filter((finding) => finding.status === status).map(({ what }) => what);

describe('makePlan', () => {
  it('takes sizes and interrupts from the VM file', async () => {
    const made = await plan(
      '  - {host: a, regions: [64K, 4K], interrupts: 2}\n  - {host: b, regions: [1M], interrupts: 1}',
    );
    expect(placed(made)).toEqual([
      ['a', ['0x60000000', '0x60010000'], [112, 113]],
      ['b', ['0x60100000'], [114]],
    ]);
    expect(told(made, 'fail')).toEqual([]);
  });

  it("takes them from the host's tree", async () => {
    const devices =
      '  - {host: 17000000.gpu}\n  - {host: 15340000.vic}\n  - {host: 80000000.vm_cma_p, mmioBase: 0x80000000}';
    const made = await plan(devices, { hostTree: orinBlob() });
    expect(placed(made)).toEqual([
      ['17000000.gpu', ['0x60000000', '0x61000000'], [112, 113, 114]],
      ['15340000.vic', ['0x62000000'], [115]],
      ['80000000.vm_cma_p', ['0x80000000'], []],
    ]);
    expect(told(made, 'fail')).toEqual([]);
  });

  it("finds the sysroot's tree, as a blob or as folders", async () => {
    file('blob/sys/firmware/fdt', writeTree(orin()));
    file('folders/proc/device-tree/#address-cells', cells(2));
    file('folders/proc/device-tree/#size-cells', cells(2));
    file('folders/proc/device-tree/name', '\0');
    file('folders/proc/device-tree/vic@15340000/reg', cells(0x1534_0000n, 0x4_0000n));
    for (const host of ['blob', 'folders']) {
      const made = await plan('  - {host: 15340000.vic}', { sysroot: join(folder, host) });
      expect(made.hostTree).toContain(join(folder, host));
      expect(placed(made)[0]![1], host).toEqual(['0x60000000']);
    }
  });

  it('says what is not known, and what of the rest that leaves open', async () => {
    const devices = [
      '{host: a, regions: [64K], interrupts: 1}',
      '{host: 1.unknown}',
      '{host: 80000000.c, mmioBase: 0x80000000, regions: [4K, 4K], interrupts: 0}',
      '{host: b, regions: [64K], interrupts: 1}',
    ];
    const made = await plan(devices.map((each) => `  - ${each}`).join('\n'));
    expect(placed(made)).toEqual([
      ['a', ['0x60000000'], [112]],
      ['1.unknown', undefined, undefined],
      ['80000000.c', ['0x80000000', undefined], []],
      ['b', [undefined], undefined],
    ]);
    expect(made.findings).toContainEqual(
      expect.objectContaining({
        about: 'unknown',
        status: 'fail',
        at: ['platformDevices', 1],
        what: 'platformDevices[2]: the regions and interrupts of 1.unknown are not known',
      }),
    );
  });

  it('names the device that an overlay would have renamed, and one that is disabled', async () => {
    const made = await plan('  - {host: 13e00000.host1x_pt}\n  - {host: 15480000.nvdec}', {
      hostTree: orinBlob(),
    });
    expect(made.findings.map(({ fix }) => fix)).toContainEqual(
      expect.stringContaining("the host's tree has 13e00000.host1x there"),
    );
    expect(told(made, 'warn')).toContainEqual(expect.stringContaining('15480000.nvdec is disabled'));
  });

  it("says where the VM file and the host's tree differ", async () => {
    const made = await plan('  - {host: 15340000.vic, regions: [64K]}', { hostTree: orinBlob() });
    expect(told(made, 'warn')).toContainEqual(
      "platformDevices[1]: 15340000.vic: its regions are 0x10000 in the VM file and 0x40000 in the host's tree; those of the VM file are taken",
    );
  });
});

describe('the layout', () => {
  const device = '  - {host: a, regions: [4K], interrupts: 0}';
  const fixed = '  - {host: a, regions: [4K], interrupts: 0, mmioBase: 0x70000000}';
  const kindOf = async (devices: string, askQemu: PlanOptions['askQemu'], more = '') =>
    (await plan(devices, { askQemu }, more)).bus;

  it("is this QEMU's, and the patched one where the file needs it", async () => {
    expect(await kindOf(device, patched)).toMatchObject({ kind: 'patched', base: 0x6000_0000n });
    expect(await kindOf(device, stock)).toMatchObject({ kind: 'stock', base: 0x0c00_0000n });
    expect(await kindOf(device, none)).toMatchObject({ kind: 'stock' });
    for (const ask of [patched, stock, none])
      expect(await kindOf(fixed, ask)).toMatchObject({ kind: 'patched' });
  });

  it('is assumed where QEMU cannot be asked, and said to be', async () => {
    const missing = async () => {
      throw new Error('there is no such QEMU');
    };
    expect(await kindOf(device, missing)).toMatchObject({
      kind: 'stock',
      because: expect.stringMatching(/assumed/),
    });
    expect(await kindOf(fixed, missing)).toMatchObject({
      kind: 'patched',
      because: expect.stringMatching(/mmioBase/),
    });
  });

  it('is the one of the VM file', async () => {
    const bus = 'platformBus: {base: 0x50000000, size: 256M, firstSpi: 40}\n';
    const made = await plan(device, { askQemu: stock }, bus);
    expect(made.bus).toMatchObject({
      kind: 'given',
      base: 0x5000_0000n,
      firstSpi: 40,
      ramBase: 0x4000_0000n,
    });
  });

  it('warns of a QEMU that cannot run it', async () => {
    expect(told(await plan(fixed, { askQemu: stock }), 'warn')).toContainEqual(
      expect.stringContaining('no mmio-base'),
    );
    expect(told(await plan(device, { askQemu: none }), 'warn')).toContainEqual(
      expect.stringContaining('no vfio-platform'),
    );
  });

  it('is for machine virt alone', async () => {
    const config = { ...vm(device), machine: 'q35' };
    const made = await makePlan(config, { sysroot: empty, askQemu: stock });
    expect(made).toMatchObject({ memoryMap: [] });
    expect(told(made, 'fail')).toEqual([expect.stringContaining('machine q35')]);
  });
});

describe('refusals', () => {
  it('come all at once, each at its place', async () => {
    const devices = [
      '{host: 80000000.a, mmioBase: 0x80000000, regions: [1M], interrupts: 0}',
      '{host: 80080000.b, mmioBase: 0x80080000, regions: [64K], interrupts: 64}',
      '{host: c, mmioBase: 0x90000000, regions: [0x18], interrupts: 1}',
    ];
    const made = await plan(devices.map((each) => `  - ${each}`).join('\n'));
    const refused = made.findings.filter(({ status, about }) => status === 'fail' && about === 'file');
    expect(refused.map(({ at }) => at)).toEqual([
      ['platformDevices', 1, 'mmioBase'],
      ['platformDevices', 2, 'interrupts'],
      ['platformDevices', 2, 'regions', 0],
    ]);
    expect(refused[0]!.what).toContain('the guest would silently get 0x80100000 instead');
  });

  it("are of the host's page size too", async () => {
    const auxv = Buffer.alloc(32);
    auxv.writeBigUInt64LE(6n, 0);
    auxv.writeBigUInt64LE(0x1_0000n, 8);
    file('big/proc/self/auxv', auxv);
    const made = await plan('  - {host: a, regions: [4K], interrupts: 0}', { sysroot: join(folder, 'big') });
    expect(told(made, 'warn')).toContainEqual(expect.stringContaining('whole pages of 64 KiB'));
  });

  const carveOut = '  - {host: 100000000.vm_cma_vram_p, mmioBase: 0x100000000}';

  it("are of carve-outs that the host's tree does not reserve", async () => {
    const refused = (await plan(carveOut, { hostTree: orinBlob() })).findings.find(
      ({ status }) => status === 'fail',
    );
    expect(refused).toMatchObject({
      what: expect.stringMatching(/100000000\.vm_cma_vram_p .* does not reserve, 0x100000000 to 0x1ffffffff/),
      at: ['platformDevices', 0],
    });
  });

  it.each([
    ['no-map', (tree: ReturnType<typeof orin>) => pool(tree).set('no-map', new Uint8Array(0)), []],
    [
      'a shared pool',
      (tree: ReturnType<typeof orin>) => pool(tree).set('compatible', strings('shared-dma-pool')),
      [/vram is neither no-map nor/],
    ],
    [
      'half of it',
      (tree: ReturnType<typeof orin>) => pool(tree, 0x8000_0000n).set('no-map', new Uint8Array(0)),
      [/covers only 0x100000000 to 0x17fffffff/],
    ],
    [
      '/memreserve/',
      (tree: ReturnType<typeof orin>) =>
        tree.reservations.push({ address: 0x1_0000_0000n, size: 0x1_0000_0000n }),
      [],
    ],
  ])('know of %s', async (_name, reserve, expected) => {
    const tree = orin();
    reserve(tree);
    const made = await plan(carveOut, { hostTree: file('reserved.dtb', writeTree(tree)) });
    expect(told(made, 'fail')).toEqual(expected.map((pattern) => expect.stringMatching(pattern)));
  });

  it('are of devices in RAM that are given away without mmioBase too', async () => {
    const tree = orin();
    tree.root
      .add('memory')
      .set('device_type', strings('memory'))
      .set('reg', cells(0x1_0000_0000n, 0x4_0000_0000n));
    const hostTree = file('ram.dtb', writeTree(tree));
    const made = await plan('  - {host: 100000000.vm_cma_vram_p}\n  - {host: 15340000.vic}', { hostTree });
    expect(told(made, 'fail')).toEqual([expect.stringContaining('100000000.vm_cma_vram_p is memory')]);
  });

  it('are no more than a warning where nothing is known of the host', async () => {
    const made = await plan('  - {host: 80000000.a, mmioBase: 0x80000000, regions: [4K], interrupts: 0}');
    expect(told(made, 'fail')).toEqual([]);
    expect(told(made, 'warn')).toContainEqual('whether the host reserves 80000000.a is not known');
  });
});

function pool(tree: ReturnType<typeof orin>, size = 0x1_0000_0000n) {
  return findNode(tree, '/reserved-memory')!.add('vram').set('reg', cells(0x1_0000_0000n, size));
}

describe('the rest of a plan', () => {
  it('warns of devices that nobody has predicted, and of a window in the way', async () => {
    const made = await plan(
      '  - {host: a, regions: [4K], interrupts: 0}',
      {},
      'extraArguments: [-device, "tpm-tis-device,tpmdev=t", -device, virtio-rng-pci]\nbridge: {kind: interposed, guestAddress: 0x09000000}\nbackend: {kind: simulated}\npolicy: policy.yaml\n'.replace(
        'policy.yaml',
        file('policy.yaml', 'version: 1\nchip: tegra234\nclocks:\n  GPUSYS: use\n'),
      ),
    );
    expect(told(made, 'warn')).toEqual(
      expect.arrayContaining([
        expect.stringContaining('extraArguments[2]: tpm-tis-device takes room'),
        expect.stringContaining('bridge.guestAddress 0x9000000 overlaps UART'),
      ]),
    );
    expect(made.policy).toMatchObject({ chip: 'tegra234', granted: { clocks: ['GPUSYS'] } });
  });

  it('names the writes for devices that are elsewhere, each with its undo', async () => {
    const { steps } = await plan('  - {host: 17000000.gpu, regions: [4K], interrupts: 0}');
    expect(steps).toMatchObject([
      {
        path: '/sys/bus/platform/devices/17000000.gpu/driver_override',
        value: 'vfio-platform',
        undo: { value: '\n' },
      },
      {
        path: '/sys/bus/platform/drivers_probe',
        value: '17000000.gpu',
        undo: { path: '/sys/bus/platform/drivers/vfio-platform/unbind', value: '17000000.gpu' },
      },
    ]);
  });

  it('names those for the host at hand, and changes nothing there', async () => {
    const device = join(folder, 'here/sys/bus/platform/devices/17000000.gpu');
    mkdirSync(device, { recursive: true });
    mkdirSync(join(folder, 'here/sys/bus/platform/drivers/nvgpu'), { recursive: true });
    writeFileSync(join(device, 'driver_override'), '(null)\n');
    symlinkSync('../../drivers/nvgpu', join(device, 'driver'));
    const { steps, findings } = await plan('  - {host: 17000000.gpu, regions: [4K], interrupts: 0}', {
      sysroot: join(folder, 'here'),
    });
    expect(steps[0]).toMatchObject({ path: '/sys/bus/platform/drivers/nvgpu/unbind', value: '17000000.gpu' });
    expect(findings).toContainEqual(
      expect.objectContaining({
        about: 'host',
        status: 'fail',
        device: '17000000.gpu',
        at: ['platformDevices', 0],
      }),
    );
  });

  it('maps the address space of either layout', async () => {
    const made = await plan('  - {host: a, regions: [4K], interrupts: 0}', { askQemu: stock });
    const find = (name: string) => made.memoryMap.find((entry) => entry.name === name);
    expect(find('RAM')).toMatchObject({ address: 0x4000_0000n, size: 4n << 30n });
    // As QEMU's own `info mtree` has them.
    expect(find('PCI configuration (ECAM)')).toMatchObject({ address: 0x40_1000_0000n, size: 256n << 20n });
    expect(find('PCI memory (64 bits)')).toMatchObject({ address: 0x80_0000_0000n });
    expect(find('a')).toMatchObject({ address: 0x0c00_0000n, kind: 'device', inside: 'bus' });
    const addresses = made.memoryMap.map(({ address }) => address);
    expect(addresses).toEqual(addresses.toSorted((a, b) => Number(a - b)));
  });

  it('cannot be made where the tree that was named cannot be read', async () => {
    const make = (hostTree: string) => plan('  - {host: a, regions: [4K], interrupts: 0}', { hostTree });
    await expect(make(join(folder, 'nowhere.dtb'))).rejects.toMatchObject({ code: 'GPUVM_FILE' });
    await expect(make(file('bad.dtb', 'no tree'))).rejects.toMatchObject({ code: 'GPUVM_DEVICE_TREE' });
    const made = await make(file('empty.dtb', writeTree(emptyTree())));
    expect(told(made, 'fail')).toEqual([]);
  });
});
