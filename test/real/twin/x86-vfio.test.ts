import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { hasProgram } from '../programs.js';
import { X86Twin } from './x86.js';

/**
 * gpuvm/vfio against a real kernel with a real IOMMU: QEMU's edu, which has registers, DMA and interrupts that do as one
 * says, and e1000e. The twin makes all cases in one boot and reports what there was to see; here it is judged.
 */
const DEADLINE_MS = 400_000;
const isAble = process.arch === 'x64' && hasProgram('qemu-system-x86_64');
if (process.arch !== 'x64') console.warn('SKIPPED: the x86 twin runs the own programs of an x86-64 machine');

const refused = (code: string, message: RegExp) => ({ code, message: expect.stringMatching(message) });

describe.skipIf(!isAble)('gpuvm/vfio on a real kernel (x86 twin)', () => {
  let twin: X86Twin;

  beforeAll(async () => {
    const script = fileURLToPath(new URL('inside/vfio.ts', import.meta.url));
    twin = await X86Twin.run({ script, deadlineMs: DEADLINE_MS });
  }, DEADLINE_MS + 60_000);

  function saw(name: string): Record<string, unknown> {
    const result = twin.reported(name) as { saw?: Record<string, unknown>; error?: string };
    if (result.saw === undefined) throw new Error(`${name}, in the twin: ${result.error}`);
    return result.saw;
  }

  it('finds edu, its regions, its interrupts and what its IOMMU leaves it', () => {
    expect(saw('registers')).toMatchObject({
      via: 'group',
      info: { kind: 'pci', canReset: false, regionCount: 9, interruptCount: 5 },
      regions: [
        { name: 'bar0', sizeBytes: '0x100000', mappable: [{ offset: '0x0', sizeBytes: '0x100000' }] },
        { name: 'config', sizeBytes: '0x100', mappable: [] },
      ],
      interrupts: [
        { name: 'intx', count: 1, isMaskable: true, isAutomasked: true },
        { name: 'msi', count: 1, isMaskable: false, isAutomasked: false },
        { name: 'req' },
      ],
      // MSIs have their place in between.
      iommu: {
        pageSizeBytes: '0x1000',
        ranges: [{ first: '0x0', last: '0xfedfffff' }, { first: '0xfef00000' }],
      },
    });
  });

  it('reads and writes registers through a mapping', () => {
    const liveness = ~0x12345678 >>> 0;
    expect(saw('registers')).toMatchObject({ id: 0x010000ed, liveness, factorial: 3628800, isMapped: true });
    expect(saw('accesses')).toMatchObject({
      mapping: 0x010000ed,
      bytes: 'ed000001ff00ff00',
      buffer: [0x010000ed, 0x00ff00ff],
      outside: refused('GPUVM_USAGE', /beyond its end, 0x1000$/),
      unaligned: refused('GPUVM_USAGE', /4 bytes at 0x2 is not aligned/),
      large: refused('GPUVM_USAGE', /0x100 does not fit into 1 byte/),
    });
  });

  it('reads configuration space, which cannot be mapped, in every width', () => {
    const seen = saw('configuration');
    expect(seen).toMatchObject({
      wide: 0x11e81234,
      narrow: [0x1234, 0x11e8, 0x34, 0x12],
      map: refused('GPUVM_USAGE', /config cannot be mapped: use read and write/),
      end: refused('GPUVM_USAGE', /beyond its end/),
    });
    expect(seen.wider).toMatch(/^0x\w+11e81234$/);
    expect(seen.bytes).toMatch(/^3412e811/);
  });

  it('hears an MSI through an eventfd, and none once it is disposed of', () => {
    expect(saw('msi')).toMatchObject({
      // edu's, and the one that the kernel was asked to signal.
      heard: [
        { vector: 0, count: 1 },
        { vector: 0, count: 1 },
      ],
      status: 0x55,
      afterwards: 0,
      mask: refused('GPUVM_USAGE', /cannot be masked/),
      twice: refused('GPUVM_USAGE', /enabled already/),
      closed: refused('GPUVM_VFIO_CLOSED', /disposed of/),
    });
  });

  it('hears a level-triggered interrupt once, and again after unmask while the line is high', () => {
    const one = { vector: 0, count: 1 };
    expect(saw('levelInterrupt')).toMatchObject({
      first: one,
      whileMasked: 'none',
      stillHigh: one,
      afterAcknowledge: 'none',
      masked: 'none',
      unmasked: one,
      loop: 'ended',
    });
  });

  it('gives memory to edu, which copies it in and out by DMA', () => {
    expect(saw('dma')).toMatchObject({
      equal: true,
      next: '0x0',
      overlapping: refused('GPUVM_VFIO', /VFIO_IOMMU_MAP_DMA failed with EEXIST/),
      odd: refused('GPUVM_USAGE', /a multiple of 0x1000 bytes/),
      reserved: refused('GPUVM_USAGE', /cannot address 0xfee00000 to 0xfee00fff/),
    });
  });

  it('takes memory from edu: the IOMMU refuses the next access', () => {
    const { before, after, use } = saw('fault');
    expect(before).toBe(0);
    expect(after).toEqual([
      expect.stringMatching(/DMA Write.*\[00:10\.0\] fault addr 0x100000.*Write access is not set/),
    ]);
    expect(use).toMatchObject({ code: 'GPUVM_VFIO_CLOSED' });
  });

  it('gives memory for reading only, and for writing only', () => {
    expect(saw('oneWayMemory')).toEqual({ arrived: true, refused: true });
  });

  it('has two devices in one address space, and its memory when one has gone', () => {
    expect(saw('sharedSpace')).toMatchObject({
      early: refused('GPUVM_USAGE', /before its first device/),
      equal: true,
      still: 7,
      closed: { code: 'GPUVM_VFIO_CLOSED' },
      memory: true,
    });
  });

  it('resets e1000e, and says that edu has no reset', () => {
    const { e1000e, edu } = saw('resets') as Record<string, Record<string, unknown>>;
    expect(e1000e).toMatchObject({ canReset: true, afterwards: e1000e!.before });
    expect(edu).toMatchObject({ canReset: false, refused: refused('GPUVM_VFIO', /10\.0 has no reset/) });
  });

  it('survives a device that stops answering under a mapping', () => {
    const gone = refused('GPUVM_VFIO', /ended in a bus error: .*memory decoding is off/);
    expect(saw('decodingOff')).toEqual({
      before: 0x010000ed,
      read: gone,
      write: gone,
      bytes: gone,
      afterwards: 0x010000ed,
    });
  });

  it('says who has a group open', () => {
    expect(saw('secondOpener')).toEqual(
      refused('GPUVM_VFIO', /\/dev\/vfio\/\d+: open failed with EBUSY \(open in node \(process \d+\)\)/),
    );
  });

  it('says which device keeps a group from being viable', () => {
    expect(saw('notViable')).toEqual(
      refused(
        'GPUVM_VFIO',
        /VFIO_GROUP_SET_CONTAINER failed with EPERM \(.*1f\.3 is with i801_smbus.*not viable/,
      ),
    );
  });

  it('says what to raise where memory may not be locked, and loses nothing by it', () => {
    expect(saw('memlock')).toMatchObject({
      status: 0,
      small: null,
      large: refused('GPUVM_VFIO', /VFIO_IOMMU_MAP_DMA failed with ENOMEM: .*RLIMIT_MEMLOCK/),
      again: null,
    });
  });

  it('leaves nothing open and nothing mapped when it is disposed of', () => {
    const { before, meanwhile, after, again, buffers, uses } = saw('endsWhole');
    expect(before).toEqual([]);
    expect(meanwhile).toBeGreaterThan(5);
    expect(after).toEqual([]);
    // The group can be opened at once.
    expect(again).toBe(null);
    expect(buffers).toEqual([0, 0]);
    expect(new Set(Object.values(uses as object))).toEqual(new Set(['GPUVM_VFIO_CLOSED']));
  });

  it('warns of a device that was forgotten, and closes it', () => {
    expect(saw('forgotten')).toEqual({
      warnings: [expect.stringMatching(/^VFIO_FORGOTTEN: 0000:00:10\.0 was forgotten/)],
      held: [],
      again: null,
    });
  });

  it('goes by iommufd where the kernel has it, and says so where it has not', () => {
    const seen = saw('wayOfIommufd');
    if ('absent' in seen) expect(seen.absent).toEqual(refused('GPUVM_KERNEL_FEATURE', /iommufd.*Linux 6\.2/));
    else expect(seen).toMatchObject({ via: 'iommufd', id: 0x010000ed });
  });

  it('shows regions and registers on the command line', () => {
    const { table, dump, config, json, beyond, unbound, absent } = saw('commandLine') as Record<
      string,
      { status: number; stdout: string; stderr: string }
    >;
    expect(table!.stdout.split('\n').slice(0, 4)).toEqual([
      'pci, cannot be reset',
      'REGION  SIZE      ACCESS  MAPPABLE',
      'bar0    0x100000  rw      all',
      'config  0x100     rw      -',
    ]);
    expect(dump!.stdout).toMatch(/^00000000: 010000ed [0-9a-f]{8}\n$/);
    expect(config!.stdout).toMatch(/^00000000: 11e81234 \w\w \w\w\n$/);
    expect(JSON.parse(json!.stdout)).toMatchObject({ kind: 'pci', regions: { length: 9 } });
    expect(beyond).toMatchObject({ status: 64, stderr: expect.stringMatching(/beyond its end/) });
    expect(unbound).toMatchObject({
      status: 69,
      stderr: expect.stringMatching(/not with vfio-pci: gpuvm devices bind/),
    });
    expect(absent).toMatchObject({
      status: 69,
      stderr: expect.stringMatching(/there is no PCI or platform device/),
    });
  });
});
