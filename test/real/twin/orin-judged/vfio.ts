import { describe, expect, it } from 'vitest';
import { ONCE, refused, type Saw } from './cases.js';

/** gpuvm/vfio with platform devices behind an SMMUv3. */
export function itUsesPlatformDevices(saw: Saw): void {
  describe('used through gpuvm/vfio, the GPU', () => {
    it('has its regions, interrupts, and what the SMMU leaves it', () => {
      expect(saw('gpuRegisters')).toMatchObject({
        info: { kind: 'platform', canReset: true, regionCount: 2, interruptCount: 4 },
        regions: ['region0', 'region1'].map((name) => ({
          name,
          sizeBytes: '0x1000000',
          isReadable: true,
          isWritable: true,
          mappable: [{ offset: '0x0', sizeBytes: '0x1000000' }],
        })),
        interrupts: ['irq0', 'irq1', 'irq2', 'irq3'].map((name) => ({
          name,
          count: 1,
          isMaskable: true,
          isAutomasked: true,
        })),
        // MSIs have their place in between.
        iommu: {
          pageSizeBytes: '0x1000',
          ranges: [{ first: '0x0', last: '0x7ffffff' }, { first: '0x8100000' }],
        },
        isMapped: true,
      });
    });

    it('answers in every width, up to its last byte', () => {
      expect(saw('gpuRegisters')).toMatchObject({
        id: 0x010000ed,
        liveness: ~0x12345678 >>> 0,
        beyondEdu: 0xffffffff,
        widths: {
          eight: '0x8877665544332211',
          four: [0x44332211, 0x88776655],
          two: [0x2211, 0x8877],
          one: [0x11, 0x88],
          narrow: 0xcdef00ab,
          bytes: true,
          last: '0x1122334455667788',
        },
        outside: refused('GPUVM_USAGE', /region1: 0x1000000 \+ 1 bytes is beyond its end/),
        unaligned: refused('GPUVM_USAGE', /4 bytes at 0x2 is not aligned/),
        absent: refused('GPUVM_USAGE', /has no region "region2": it has region0, region1/),
      });
    });

    it('copies memory in and out by DMA through the SMMU', () => {
      expect(saw('gpuDma')).toMatchObject({
        equal: true,
        next: '0x0',
        reserved: refused('GPUVM_USAGE', /cannot address 0x8000000 to 0x8000fff/),
      });
    });

    it('is stopped by the SMMU where it writes to what it may read, and where its memory was taken', () => {
      const { untouched, written, gone } = saw('gpuDma');
      expect(untouched, written.join('\n')).toBe(true);
      // Event, stream, and address, as the kernel prints them: F_PERMISSION, then F_TRANSLATION twice.
      expect(events(written)).toEqual([{ event: '0x13', stream: 0xb0, address: 0x110000 }]);
      expect(events(gone)).toEqual([
        { event: '0x10', stream: 0xb0, address: 0x100000 },
        { event: '0x10', stream: 0xb0, address: 0x101000 },
      ]);
    });

    it('interrupts once, and again with each unmask while its line is high', () => {
      expect(saw('gpuInterrupt')).toMatchObject({
        first: ONCE,
        whileMasked: 'none',
        stillHigh: [ONCE, ONCE, ONCE],
        afterAcknowledge: 'none',
        masked: 'none',
        unmasked: ONCE,
        triggered: ONCE,
      });
    });

    it('is shown by gpuvm devices regions', () => {
      const { table, dump, second } = saw('regionsShown');
      expect(table.stdout.split('\n').slice(0, 6), table.stderr).toEqual([
        'platform, can be reset',
        'REGION   SIZE       ACCESS  MAPPABLE',
        'region0  0x1000000  rw      all',
        'region1  0x1000000  rw      all',
        'INTERRUPT  VECTORS  KIND',
        'irq0       1        level',
      ]);
      expect(dump.stdout, dump.stderr).toBe('00000000: 010000ed\n');
      expect(second.stdout, second.stderr).toMatch(/^00000000: 44332211 88776655 /);
    });
  });

  it("hears a clock's alarm, twice", () => {
    const { info, seconds, alarms, afterwards } = saw('clockAlarm');
    expect(info).toMatchObject({ isAutomasked: true, isMaskable: true });
    expect(seconds).toBeGreaterThan(1_700_000_000);
    expect(alarms).toEqual([1, 2].map(() => ({ event: ONCE, raw: 1, cleared: 0 })));
    expect(afterwards).toBe('none');
  });

  it('reads and writes a region that is no whole page, without a mapping', () => {
    expect(saw('notPageSized')).toMatchObject({
      info: { sizeBytes: '0x200', isReadable: true, isWritable: true, mappable: [] },
      magic: 0x74726976,
      bytes: 'virt',
      isMapped: false,
      map: refused('GPUVM_USAGE', /region0 cannot be mapped: use read and write/),
      end: refused('GPUVM_USAGE', /beyond its end, 0x200/),
    });
    // Twice four bytes: the version comes after the magic number.
    expect(saw('notPageSized').wide).toMatch(/^0x[12]74726976$/);
  });

  it.each([
    ['60000000.vm_hs_p', '0x4000000'],
    ['80000000.vm_cma_p', '0x30000000'],
    ['100000000.vm_cma_vram_p', '0x100000000'],
  ])('maps all of the carve-out %s, %s bytes', (name, sizeBytes) => {
    expect((saw('carveOuts') as Record<string, unknown>)[name]).toMatchObject({
      sizeBytes,
      regionBytes: sizeBytes,
      mappable: [{ offset: '0x0', sizeBytes }],
      first: '0x123456789abcdef',
      middle: 0x600dcafe,
      last: '0xfedcba9876543210',
      bytes: 0xef,
      buffer: '0x123456789abcdef',
      region: '0xfedcba9876543210',
      beyond: refused('GPUVM_USAGE', /beyond its end/),
    });
  });

  it.each(['60000000.vm_hs_p', '80000000.vm_cma_p', '100000000.vm_cma_vram_p'])(
    'has all of the carve-out %s mapped for DMA by the kernel',
    (name) => {
      const seen = saw('carveOutsForDma') as Record<string, unknown>;
      expect(seen[name], 'errnos of mmap and VFIO_IOMMU_MAP_DMA').toMatchObject({
        mapRegion: 0,
        regionDma: 0,
      });
    },
  );

  it('ends only the access where nothing answers', () => {
    const { refused: by, dump } = saw('hole');
    const gone = refused('GPUVM_VFIO', /d800000\.dce.* ended in a bus error: .*clock or power is off/);
    expect(by).toEqual({ region: gone, wide: gone, write: gone, mapping: gone, bytes: gone });
    expect(dump).toMatchObject({
      status: 71,
      stdout: '',
      stderr: expect.stringMatching(/^gpuvm: .*bus error.*\n$/),
    });
  });
}

/** What the SMMU's driver prints of each event: its name, and two words of which the first has the stream. */
function events(lines: readonly string[]) {
  return lines.flatMap((line, at) => {
    const event = /event (0x\w+) received/.exec(line)?.[1];
    if (event === undefined) return [];
    const word = (number: number) => BigInt(/0x[0-9a-f]{16}/.exec(lines[at + number] ?? '')?.[0] ?? 0);
    return [{ event, stream: Number(word(1) >> 32n), address: Number(word(3)) }];
  });
}
