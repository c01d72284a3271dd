import { rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { GpuvmError } from '../../../src/errors.js';
import { type OpenOptions, VfioAddressSpace, VfioDevice } from '../../../src/vfio/device/index.js';
import { addProcess } from '../fake-host.js';
import { AUDIO, FakeVfio, fakeSysroot, GPU, systemError } from './fake-vfio.js';

const trees: { remove(): void }[] = [];
afterEach(() => {
  for (const tree of trees.splice(0)) tree.remove();
});

function host(shape: Parameters<typeof fakeSysroot>[0] = {}) {
  const tree = fakeSysroot(shape);
  trees.push(tree);
  const fake = new FakeVfio();
  const open = (name = GPU, options: OpenOptions = {}) =>
    VfioDevice.open(name, { sysroot: tree.root, ...options }, fake.kernel);
  return { fake, open, sysroot: tree.root };
}

const usage = (message: RegExp) =>
  expect.objectContaining({ code: 'GPUVM_USAGE', message: expect.stringMatching(message) });
const failure = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

function thrown(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('a device', () => {
  it('is opened through its group, and closed in the opposite order', () => {
    const { fake, open } = host();
    const device = open();
    device.allocate({ sizeBytes: 0x2000, iova: 0x10000n, access: 'read' });
    device.region(0).read(0, 4);
    device.region('bar1').map();
    device.enableInterrupt('msi', { vectors: 2 });
    fake.log.push('--');
    device.dispose();
    device.dispose();
    expect(fake.log).toEqual([
      'open /dev/vfio/vfio',
      'open /dev/vfio/7',
      'VFIO_GROUP_SET_CONTAINER',
      'VFIO_SET_IOMMU',
      `VFIO_GROUP_GET_DEVICE_FD ${GPU}`,
      `open ${GPU}`,
      'open memory',
      'map memory 0+2000',
      'close memory',
      'VFIO_IOMMU_MAP_DMA 10000 1',
      `map ${GPU} 0+4000`,
      `map ${GPU} 10000000000+1000`,
      'open eventfd',
      'open eventfd',
      'VFIO_DEVICE_SET_IRQS 36 1 0 2',
      '--',
      // Nothing comes any more, then the registers go, then the device with its DMA, and only then the memory.
      'VFIO_DEVICE_SET_IRQS 33 1 0 0',
      'unwatch',
      'close eventfd',
      'unwatch',
      'close eventfd',
      `unmap ${GPU} 10000000000+1000`,
      `unmap ${GPU} 0+4000`,
      `close ${GPU}`,
      'VFIO_IOMMU_UNMAP_DMA 10000',
      'unmap memory 0+2000',
      'VFIO_GROUP_UNSET_CONTAINER',
      'close /dev/vfio/7',
      'close /dev/vfio/vfio',
    ]);
    expect(fake.open.size).toBe(0);
    expect(fake.mapped.size).toBe(0);
  });

  it('is opened by its own node where there is iommufd and no group', () => {
    const { fake, open } = host({ cdev: true, group: false });
    const device = open();
    expect(device.space.via).toBe('iommufd');
    expect(device.space.iommu).toEqual({
      pageSizeBytes: 0x1000n,
      ranges: [{ first: 0n, last: 0xffff_ffffn }],
    });
    device.allocate({ sizeBytes: 0x1000, iova: 0x10000n, access: 'write' });
    device.dispose();
    expect(fake.log).toEqual([
      'open /dev/iommu',
      'open /dev/vfio/devices/vfio0',
      'VFIO_DEVICE_BIND_IOMMUFD',
      'VFIO_DEVICE_ATTACH_IOMMUFD_PT',
      'open memory',
      'map memory 0+1000',
      'close memory',
      'IOMMU_IOAS_MAP 10000 3',
      'VFIO_DEVICE_DETACH_IOMMUFD_PT',
      'close /dev/vfio/devices/vfio0',
      'IOMMU_IOAS_UNMAP 10000',
      'unmap memory 0+1000',
      'close /dev/iommu',
    ]);
  });

  it('says what is missing for iommufd', () => {
    expect(thrown(() => host().open(GPU, { via: 'iommufd' }))).toEqual(
      failure('GPUVM_KERNEL_FEATURE', /no \/dev\/iommu/),
    );
    const { fake, open } = host({ iommu: true });
    expect(thrown(() => open(GPU, { via: 'iommufd' }))).toEqual(
      failure('GPUVM_KERNEL_FEATURE', /no node in \/dev\/vfio\/devices.*Linux 6\.6/),
    );
    expect(fake.open.size).toBe(0);
  });

  it.each([
    ['EINVAL', '/dev/vfio/devices/vfio0', /EINVAL \(open in node \(process 77\)\): .* by its node once/],
    ['EBUSY', '/dev/vfio/7', /EBUSY \(open in node \(process 77\)\): its group is open/],
    ['EPERM', '/dev/vfio/devices/vfio1', /EPERM \(open in node \(process 77\)\): the group has another/],
  ])('that cannot be bound by its node, %s, names who has %s', (code, path, message) => {
    const { fake, open, sysroot } = host({ cdev: true });
    addProcess(sysroot, 77, 'node', [path, '/dev/iommu']);
    addProcess(sysroot, 78, 'other', ['/dev/vfio/devices/vfio8', '/dev/vfio/8']);
    fake.refusals.set('VFIO_DEVICE_BIND_IOMMUFD', systemError('VFIO_DEVICE_BIND_IOMMUFD', code));
    expect(thrown(() => open(GPU, { via: 'iommufd' }))).toEqual(failure('GPUVM_VFIO', message));
    expect(fake.open.size).toBe(0);
  });

  it('that cannot be bound by its node names the drivers that others of its group have', () => {
    const { fake, open, sysroot } = host({ cdev: true });
    const driver = join(sysroot, 'sys/bus/pci/devices', AUDIO, 'driver');
    rmSync(driver);
    symlinkSync('../../../../bus/pci/drivers/snd_hda_intel', driver);
    fake.refusals.set('VFIO_DEVICE_BIND_IOMMUFD', systemError('VFIO_DEVICE_BIND_IOMMUFD', 'EPERM'));
    expect(thrown(() => open(GPU, { via: 'iommufd' }))).toEqual(
      failure(
        'GPUVM_VFIO',
        /vfio0: VFIO_DEVICE_BIND_IOMMUFD failed with EPERM \(0000:01:00.1 is with snd_hda/,
      ),
    );
    expect(fake.open.size).toBe(0);
  });

  it.each([
    ['/dev/vfio/vfio', systemError('open', 'ENOENT'), /modprobe/],
    ['/dev/vfio/7', systemError('open', 'EBUSY'), /\/dev\/vfio\/7: open failed with EBUSY.*once/],
    [
      'VFIO_GROUP_SET_CONTAINER',
      systemError('VFIO_GROUP_SET_CONTAINER', 'EPERM'),
      /group 7: .*EPERM: the group is not viable/,
    ],
    ['VFIO_SET_IOMMU', systemError('VFIO_SET_IOMMU', 'ENODEV'), /no IOMMU/],
    ['VFIO_GROUP_GET_DEVICE_FD', systemError('VFIO_GROUP_GET_DEVICE_FD', 'EINVAL'), /see dmesg/],
  ])('leaves nothing open where %s is refused', (call, error, message) => {
    const { fake, open } = host();
    fake.refusals.set(call, error);
    expect(thrown(open)).toEqual(failure('GPUVM_VFIO', message));
    expect([...fake.open.values()]).toEqual([]);
  });

  it('tells a mistake of ours from a refusal', () => {
    const { fake, open } = host();
    fake.refusals.set('VFIO_SET_IOMMU', new TypeError('a defect'));
    expect(thrown(open)).toEqual(new TypeError('a defect'));
    expect(fake.open.size).toBe(0);
  });

  it('must be there, with VFIO', () => {
    const { open } = host();
    expect(thrown(() => open('0000:02:00.0'))).toEqual(
      failure('GPUVM_DEVICE', /there is no PCI or platform device/),
    );
    expect(thrown(() => open('../../../etc'))).toEqual(failure('GPUVM_DEVICE', /there is no/));
    expect(thrown(() => open(''))).toEqual(usage(/has a name/));
  });

  it('is not to be used once disposed of, nor is anything of it', () => {
    const { fake, open } = host();
    const device = open();
    const region = device.region('bar0');
    const mapping = region.map();
    const memory = device.allocate({ sizeBytes: 0x1000, iova: 0 });
    const interrupt = device.enableInterrupt('intx');
    device.dispose();
    const calls = [
      () => device.region(0),
      () => device.allocate({ sizeBytes: 0x1000, iova: 0 }),
      () => device.enableInterrupt(0),
      () => device.reset(),
      () => device.space.iommu,
      () => region.read(0, 4),
      () => region.write(0, 4, 0),
      () => region.readBytes(0, 4),
      () => region.map(),
      () => mapping.read(0, 4),
      () => mapping.buffer,
      () => memory.writeBytes(0, new Uint8Array(4)),
      () => interrupt.unmask(),
      () => interrupt.trigger(),
    ];
    const accesses = fake.accesses.length;
    for (const call of calls)
      expect(thrown(call), String(call)).toEqual(failure('GPUVM_VFIO_CLOSED', /disposed of/));
    expect(fake.accesses.length).toBe(accesses);
    expect([device, mapping, memory, interrupt].every(({ isDisposed }) => isDisposed)).toBe(true);
  });

  it('closes everything else where one thing cannot be closed, and says which', () => {
    const { fake, open } = host();
    const device = open();
    device.allocate({ sizeBytes: 0x1000, iova: 0 });
    fake.refusals.set('VFIO_IOMMU_UNMAP_DMA', systemError('VFIO_IOMMU_UNMAP_DMA', 'EINVAL'));
    expect(thrown(() => device.dispose())).toEqual(
      failure('GPUVM_VFIO', /DMA memory at 0x0: VFIO_IOMMU_UNMAP_DMA/),
    );
    expect(fake.open.size).toBe(0);
    expect(fake.mapped.size).toBe(0);
  });

  it('that is forgotten is warned of and closed, though it was in use', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const { fake, open, sysroot } = host();
    const warnings: string[] = [];
    const listen = ({ message }: Error) => warnings.push(message);
    process.on('warning', listen);
    (() => {
      const device = open();
      device.region(0).map();
      device.region(1).read(0, 4);
      device.allocate({ sizeBytes: 0x1000, iova: 0 });
      const msi = device.enableInterrupt(1);
      msi.dispose();
      VfioAddressSpace.open({ sysroot }, fake.kernel);
      open(GPU).dispose();
    })();
    for (let round = 0; round < 60 && warnings.length < 2; round++) {
      collect();
      await setTimeout(10);
    }
    process.off('warning', listen);
    expect(warnings.sort()).toEqual([
      expect.stringMatching(/^0000:01:00\.0 was forgotten/),
      expect.stringMatching(/^a VFIO address space was forgotten/),
    ]);
    expect(fake.open.size).toBe(0);
    expect(fake.mapped.size).toBe(0);
  });
});

describe('an address space', () => {
  it('has a group once, however many of its devices come', () => {
    const { fake, open, sysroot } = host();
    const space = VfioAddressSpace.open({ sysroot }, fake.kernel);
    const gpu = open(GPU, { space });
    const audio = open(AUDIO, { space });
    expect(fake.log.filter((line) => line === 'open /dev/vfio/7')).toHaveLength(1);
    const memory = gpu.allocate({ sizeBytes: 0x1000, iova: 0 });
    gpu.dispose();
    expect([memory.isDisposed, audio.isDisposed, space.isDisposed]).toEqual([false, false, false]);
    memory.write(0, 8, 5n);
    space.dispose();
    expect([memory.isDisposed, audio.isDisposed]).toEqual([true, true]);
    expect(fake.open.size).toBe(0);
    expect(thrown(() => open(GPU, { space }))).toEqual(failure('GPUVM_VFIO_CLOSED', /address space/));
  });

  it.each([
    [{ sizeBytes: 0, iova: 0 }, /a size must not be 0/],
    [{ sizeBytes: 0x1800, iova: 0 }, /a multiple of 0x1000 bytes/],
    [{ sizeBytes: 0x1000, iova: 0x800 }, /at a multiple of 0x1000/],
    [{ sizeBytes: 0x1000, iova: 1n << 32n }, /cannot address 0x100000000 to 0x100000fff/],
    [{ sizeBytes: 0x2000, iova: 0xffff_f000n }, /cannot address/],
    [{ sizeBytes: 0x1000, iova: -1 }, /an address must be a whole number/],
    [{ sizeBytes: 0x1000, iova: 1n << 64n }, /an address must be a whole number/],
    [{ sizeBytes: 2 ** 60, iova: 0 }, /a size must be a whole number/],
    [{ sizeBytes: (1n << 64n) - 0x1000n, iova: 0x2000 }, /cannot address/],
    [{ sizeBytes: 0x1000, iova: 0, access: 'all' as 'both' }, /read, write or both/],
  ])('does not allocate %o', (request, message) => {
    const { fake, open } = host();
    const device = open();
    const before = fake.log.length;
    expect(thrown(() => device.allocate(request))).toEqual(usage(message));
    expect(fake.log.length).toBe(before);
    device.dispose();
  });

  it('keeps nothing of memory that the kernel would not map', () => {
    const { fake, open } = host();
    const device = open();
    fake.refusals.set('VFIO_IOMMU_MAP_DMA', systemError('VFIO_IOMMU_MAP_DMA', 'ENOMEM'));
    expect(thrown(() => device.allocate({ sizeBytes: 0x1000, iova: 0 }))).toEqual(
      failure('GPUVM_VFIO', /RLIMIT_MEMLOCK/),
    );
    expect(fake.mapped.size).toBe(0);
    expect([...fake.open.values()]).not.toContain('memory');
    device.dispose();
    expect(fake.log).not.toContain('VFIO_IOMMU_UNMAP_DMA 0');
  });
});

describe('a region', () => {
  it('goes by its mappings where there are some, and by the descriptor elsewhere', () => {
    const { fake, open } = host();
    const device = open();
    const region = device.region('bar1');
    region.read(0x10, 4);
    region.read(0x1010, 2);
    region.write(0x2000, 8, 1n);
    region.write(0x3ffc, 4, 0xdeadbeef);
    // Over the edge of a part.
    region.readBytes(0xffc, 8);
    expect(fake.accesses).toEqual([
      'read4 16',
      'pread 10000001010 2',
      'write8 0 1',
      'pwrite 10000003ffc efbeadde',
      'read4 4092',
      'pread 10000001000 4',
    ]);
    expect([...fake.mapped]).toEqual([`${GPU} 10000000000+1000`, `${GPU} 10000002000+1000`]);
    device.dispose();
  });

  it('goes by the descriptor where the kernel does not map what it said', () => {
    const { fake, open } = host();
    const device = open();
    fake.refusals.set('mmap', systemError('mmap', 'EINVAL'));
    expect(device.region(0).read(8, 8)).toBe(0x5a5a_5a5a_5a5a_5a5an);
    expect(fake.accesses).toEqual(['pread 8 8']);
    expect(thrown(() => device.region(0).map())).toEqual(
      failure('GPUVM_VFIO', /mmap failed with EINVAL.*use read and write/),
    );
    device.dispose();
  });

  it('does not have the kernel access a platform device that it does not map', () => {
    const { fake, open } = host();
    fake.deviceFlags = 4;
    const device = open();
    fake.refusals.set('mmap', systemError('mmap', 'ENOMEM'));
    expect(thrown(() => device.region(0).read(8, 8))).toEqual(
      failure('GPUVM_VFIO', /region0: mmap failed with ENOMEM: the process has no room/),
    );
    expect(thrown(() => device.region(0).write(8, 4, 1))).toMatchObject({ code: 'GPUVM_VFIO' });
    expect(fake.accesses).toEqual([]);
    // What the kernel says cannot be mapped goes by the descriptor all the same.
    expect(device.region(2).read(0, 1)).toBe(0x5a);
    device.dispose();
  });

  it('reads and writes nothing outside of itself, unaligned or cut off, whatever is asked', () => {
    const { fake, open } = host();
    const device = open();
    const region = device.region('bar1');
    const number = fc.oneof(
      fc.nat(0x4010),
      fc.constantFrom(-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, 2 ** 64),
      fc.bigInt(-2n, 0x4010n),
      fc.bigInt(0n, 1n << 66n),
    );
    fc.assert(
      fc.property(number, fc.constantFrom(1, 2, 4, 8, 0, 3, 16, -1), number, (offset, width, value) => {
        fake.accesses.length = 0;
        const fits =
          [1, 2, 4, 8].includes(width) &&
          (typeof offset === 'bigint' || Number.isSafeInteger(offset)) &&
          offset >= 0 &&
          BigInt(offset) % BigInt(width) === 0n &&
          BigInt(offset) + BigInt(width) <= 0x4000n;
        const isHeld =
          fits &&
          (typeof value === 'bigint' || Number.isSafeInteger(value)) &&
          value >= 0 &&
          BigInt(value) < 1n << BigInt(width * 8);
        const read = thrown(() => region.read(offset, width as 4));
        const write = thrown(() => region.write(offset, width as 4, value));
        expect(GpuvmError.is(read, 'GPUVM_USAGE')).toBe(!fits);
        expect(GpuvmError.is(write, 'GPUVM_USAGE')).toBe(!isHeld);
        expect(fake.accesses).toHaveLength((fits ? 1 : 0) + (isHeld ? 1 : 0));
      }),
      { numRuns: 2_000 },
    );
    device.dispose();
  });

  it('takes many bytes in the widest accesses of up to four that fit, or those that are asked for', () => {
    const { fake, open } = host();
    const device = open();
    const region = device.region(0);
    region.readBytes(0, 64);
    region.readBytes(2, 6);
    region.writeBytes(8, new Uint8Array(16), 8);
    expect(region.readBytes(1, 0)).toHaveLength(0);
    expect(thrown(() => region.readBytes(4, 8, 8))).toEqual(usage(/8 bytes at 0x4 is not aligned/));
    expect(thrown(() => region.readBytes(0, 0x4001))).toEqual(usage(/beyond its end/));
    expect(thrown(() => region.readBytes(0, -1))).toEqual(usage(/a length is a whole number/));
    expect(fake.accesses).toEqual(['copyOut4 0+64', 'copyOut2 2+6', 'copyIn8 8+16', 'copyOut1 1+0']);
    device.dispose();
  });

  it('that is for reading only is not written', () => {
    const { fake, open } = host();
    const device = open();
    expect(device.region('bar2').read(4, 1)).toBe(0x5a);
    expect(thrown(() => device.region('bar2').write(0, 1, 0))).toEqual(usage(/bar2 cannot be written/));
    expect(fake.accesses).toEqual(['pread 20000000004 1']);
    device.dispose();
  });

  it('is mapped in parts of what can be mapped', () => {
    const { open } = host();
    const device = open();
    const [plain, parts, config] = [device.region(0), device.region(1), device.region(2)];
    expect(plain.map({ offset: 0x1000, sizeBytes: 0x2000n })).toMatchObject({
      offset: 0x1000n,
      sizeBytes: 0x2000n,
    });
    expect(parts.map({ offset: 0x2000 })).toMatchObject({ offset: 0x2000n, sizeBytes: 0x1000n });
    expect(thrown(() => parts.map({ offset: 0x1000 }))).toEqual(
      usage(/at 0x1000, only 0x0\+0x1000, 0x2000\+0x1000/),
    );
    expect(thrown(() => parts.map({ sizeBytes: 0x2000 }))).toEqual(usage(/0x1000 bytes are left there/));
    expect(thrown(() => plain.map({ offset: 0x800 }))).toEqual(usage(/a multiple of 0x1000/));
    expect(thrown(() => config.map())).toEqual(usage(/cannot be mapped: use read and write/));
    device.dispose();
  });

  it('of more than 4 GiB has no buffer as a whole, and one in parts', () => {
    const { open } = host();
    const device = open();
    const region = device.region(3);
    expect(thrown(() => region.map().buffer)).toEqual(usage(/4 GiB at the most/));
    const upper = region.map({ offset: 1n << 32n });
    expect(upper.buffer).toBe(upper.buffer);
    device.dispose();
  });

  it('is found by name or number', () => {
    const { open } = host();
    const device = open();
    expect(device.region(0)).toBe(device.region('bar0'));
    expect(thrown(() => device.region('bar9'))).toEqual(usage(/no region "bar9": it has bar0, bar1/));
    expect(thrown(() => device.region('vga'))).toEqual(usage(/has no region vga/));
    for (const index of [-1, 9, 0.5])
      expect(thrown(() => device.region(index))).toEqual(usage(/from 0 to 8/));
    device.dispose();
  });
});

describe('interrupts', () => {
  it('are told by callback, with vector and count', () => {
    const { fake, open } = host();
    const device = open();
    const heard: unknown[] = [];
    device.enableInterrupt('msi', { vectors: 3, onInterrupt: (event) => heard.push(event) });
    fake.signal(2);
    fake.signal(0, 5);
    expect(heard).toEqual([
      { vector: 2, count: 1 },
      { vector: 0, count: 5 },
    ]);
    device.dispose();
  });

  it('are kept for who asks later, and the loop ends with them', async () => {
    const { fake, open } = host();
    const device = open();
    const msi = device.enableInterrupt('msi', { vectors: 2 });
    fake.signal(1);
    fake.signal(1);
    fake.signal(0);
    expect(await msi.next()).toEqual({ vector: 1, count: 2 });
    const seen: unknown[] = [];
    const loop = (async () => {
      for await (const event of msi) seen.push(event);
    })();
    await setTimeout(1);
    fake.signal(1);
    await setTimeout(1);
    expect(await msi.next(5)).toBeUndefined();
    device.dispose();
    await loop;
    expect(seen).toEqual([
      { vector: 0, count: 1 },
      { vector: 1, count: 1 },
    ]);
    expect(await msi.next()).toBeUndefined();
  });

  it('are masked where they can be', () => {
    const { fake, open } = host();
    const device = open();
    const intx = device.enableInterrupt('intx');
    const from = fake.log.length;
    intx.mask();
    intx.unmask();
    intx.trigger();
    expect(fake.log.slice(from)).toEqual([
      'VFIO_DEVICE_SET_IRQS 9 0 0 1',
      'VFIO_DEVICE_SET_IRQS 17 0 0 1',
      'VFIO_DEVICE_SET_IRQS 33 0 0 1',
    ]);
    expect(thrown(() => intx.mask(1))).toEqual(usage(/a vector must be 0/));
    const msi = device.enableInterrupt('msi');
    expect(thrown(() => msi.mask())).toEqual(usage(/cannot be masked/));
    device.dispose();
  });

  it('are asked for in numbers that the device has', () => {
    const { fake, open } = host();
    const device = open();
    const before = fake.open.size;
    for (const vectors of [0, -1, 9, 1.5]) {
      expect(thrown(() => device.enableInterrupt('msi', { vectors }))).toEqual(usage(/it has 1 to 8/));
    }
    expect(thrown(() => device.enableInterrupt('msix'))).toEqual(usage(/has none/));
    fake.refusals.set('VFIO_DEVICE_SET_IRQS', systemError('VFIO_DEVICE_SET_IRQS', 'ENOSPC'));
    expect(thrown(() => device.enableInterrupt('msi'))).toEqual(failure('GPUVM_VFIO', /fewer vectors/));
    expect(fake.open.size).toBe(before);
    device.enableInterrupt('msi').dispose();
    device.enableInterrupt('msi');
    expect(thrown(() => device.enableInterrupt('msi'))).toEqual(usage(/enabled already/));
    device.dispose();
    expect(fake.open.size).toBe(0);
  });
});
