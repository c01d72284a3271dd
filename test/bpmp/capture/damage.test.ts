import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeTransfer, transferBlock } from '../../../src/bpmp/capture/index.js';
import { GpuvmError } from '../../../src/errors.js';
import { anInterface, bigEndian, packet, section } from './blocks.js';
import { classic } from './classic-files.js';
import { captureOf, pieces, readAll, transfer } from './read-all.js';

const transfers = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => transfer(from + index));

/** Where each block of a little-endian capture begins, and its end. */
function blockStarts(capture: Uint8Array): number[] {
  const starts = [0];
  for (let at = 0; at < capture.length; starts.push(at)) at += Buffer.from(capture).readUInt32LE(at + 4);
  return starts;
}

describe('a capture that is cut', () => {
  it('anywhere gives all before it, and says where the block began that is not whole', async () => {
    const one = captureOf(transfers(4), { vms: [{ name: 'orin' }, { name: 'other' }] });
    const two = captureOf(transfers(4, 4));
    const whole = Buffer.concat([one, two]);
    const starts = blockStarts(whole);
    const packets = starts.filter((at) => at < whole.length && whole.readUInt32LE(at) === 6);
    for (let size = 0; size <= whole.length; size++) {
      const { records, notices } = await readAll(pieces(whole.subarray(0, size), 37));
      const last = starts.findLast((at) => at <= size) as number;
      const ended = packets.filter((at) => starts[starts.indexOf(at) + 1] <= size).length;
      expect(records).toEqual(transfers(ended));
      if (last === size && size > 0) expect(notices).toEqual([]);
      else expect(notices).toMatchObject([{ kind: 'cut', offset: last }]);
    }
  });

  it('of the classic kind too', async () => {
    const whole = classic(transfers(5));
    for (let size = 24; size <= whole.length; size++) {
      const { records, notices } = await readAll(pieces(whole.subarray(0, size), 50));
      expect(records).toEqual(transfers(records.length));
      expect(notices.map(({ kind }) => kind)).toEqual((size - 24) % (16 + 98) === 0 ? [] : ['cut']);
    }
  });
});

describe('a capture that is damaged in one place', () => {
  const records = transfers(200);
  const whole = captureOf(records);
  const starts = blockStarts(whole);
  /** The block of record 50. */
  const at = starts[2 + 50];
  const length = starts[2 + 51] - at;
  const isSurviving = ({ sequence }: { sequence: number }) => sequence !== 50;

  it.each<[string, (bytes: Buffer) => void]>([
    ['a length of no whole words', (bytes) => bytes.writeUInt32LE(length + 1, at + 4)],
    ['a length too short', (bytes) => bytes.writeUInt32LE(8, at + 4)],
    ['a length of zero', (bytes) => bytes.writeUInt32LE(0, at + 4)],
    ['a length into the next block', (bytes) => bytes.writeUInt32LE(length + 4, at + 4)],
    ['a length behind the end', (bytes) => bytes.writeUInt32LE(800_000, at + 4)],
    ['a length of 3 MB', (bytes) => bytes.writeUInt32LE(3_000_000, at + 4)],
    ['a length of 4 GB', (bytes) => bytes.writeUInt32LE(0xffff_fffc, at + 4)],
    ['another length at the end', (bytes) => bytes.writeUInt32LE(length + 4, at + length - 4)],
    ['zeros from there to the next block', (bytes) => bytes.fill(0, at, at + length)],
    ['ones from there to the next block', (bytes) => bytes.fill(0xff, at, at + length)],
  ])('gives all others: %s', async (_, damage) => {
    for (const swap of [(bytes: Buffer) => bytes, bigEndian]) {
      const bytes = Buffer.from(whole);
      const damaged = Buffer.from(swap(bytes));
      damage(damaged);
      if (swap === bigEndian) {
        const word = damaged.subarray(at + 4, at + 8);
        if (word.readUInt32LE() !== length && word.readUInt32BE() !== length) word.reverse();
      }
      for (const size of [damaged.length, 1000, 7]) {
        const read = await readAll(pieces(damaged, size));
        expect(read.records).toEqual(records.filter(isSurviving));
        expect(read.notices.map(({ kind }) => kind)).toContain('damaged');
        expect(read.notices.length).toBeLessThanOrEqual(3);
      }
    }
  });

  it('bytes that are missing', async () => {
    const damaged = Buffer.concat([whole.subarray(0, at + 30), whole.subarray(at + 33)]);
    expect((await readAll(pieces(damaged, 500))).records).toEqual(records.filter(isSurviving));
  });

  it('up to its end: nothing is made up', async () => {
    const damaged = Buffer.from(whole);
    damaged.fill(0, at);
    const { records: read, notices } = await readAll(pieces(damaged, 500));
    expect(read).toEqual(records.slice(0, 50));
    expect(notices).toMatchObject([{ kind: 'damaged' }, { kind: 'damaged', offset: at }]);
    expect(notices[1].message).toBe(`${whole.length - at} bytes were passed over, up to the end`);
  });

  it('its other sections are found, in whatever byte order', async () => {
    const other = bigEndian(captureOf(transfers(50, 1000)));
    const damaged = Buffer.concat([whole.subarray(0, at + 13), other]);
    expect((await readAll(pieces(damaged, 500))).records).toEqual([
      ...records.slice(0, 50),
      ...transfers(50, 1000),
    ]);
  });

  it('never reads what a guest put into a transfer as one of its own', async () => {
    const forged = transferBlock(transfer(666, { rule: '', tx: new Uint8Array(0), rx: new Uint8Array(0) }));
    const tx = Buffer.concat([forged, forged, forged]).subarray(0, 512);
    for (const isLast of [false, true]) {
      const hostile = transfer(50, { rule: '', tx, rx: new Uint8Array(0) });
      const made = [...records.slice(0, 50), hostile, ...(isLast ? [] : records.slice(51))];
      const bytes = Buffer.from(captureOf(made));
      const start = blockStarts(bytes)[2 + 50];
      for (const wrong of [7, 3_000_000, 40_000]) {
        bytes.writeUInt32LE(wrong, start + 4);
        const read = await readAll(pieces(bytes, 100));
        expect(read.records.filter(({ sequence }) => sequence === 666)).toEqual([]);
        // Nor where the file ends with the forged block.
        const cut = await readAll(
          pieces(bytes.subarray(0, start + 28 + 48 + 'orin'.length + tx.length), 100),
        );
        if (wrong === 40_000) expect(cut.records).toEqual(records.slice(0, 50));
      }
    }
  });
});

describe('a hostile capture', () => {
  const sources = [
    captureOf(transfers(6), { vms: [{ name: 'orin' }, { name: 'left', description: 'x' }] }),
    bigEndian(captureOf(transfers(6))),
    Buffer.concat([
      section(),
      anInterface({ linkType: 1 }),
      anInterface({ resolution: 0x8a, snapLength: 64 }),
      packet(encodeTransfer(transfer(1)), { of: 1, options: [{ code: 1, value: Buffer.from('comment') }] }),
      packet(new Uint8Array(90), { of: 0 }),
    ]),
    classic(transfers(6)),
  ];
  const words = [
    0, 1, 2, 3, 6, 8, 12, 28, 32, 0xff, 0x1000, 0xffff, 0x10_0000, 0xff_fffc, 0x7fff_ffff, 0xffff_fffc,
  ];
  const mutation = fc.record({
    kind: fc.constantFrom('bit', 'byte', 'word', 'drop', 'repeat', 'cut'),
    at: fc.nat(),
    value: fc.oneof(fc.constantFrom(...words), fc.nat(0xffff_ffff)),
  });

  function mutate(
    source: Uint8Array,
    mutations: readonly { kind: string; at: number; value: number }[],
  ): Uint8Array {
    let bytes = Buffer.from(source);
    for (const { kind, at, value } of mutations) {
      if (bytes.length < 8) break;
      const place = at % (bytes.length - 4);
      if (kind === 'bit') bytes[place] ^= 1 << (value & 7);
      else if (kind === 'byte') bytes[place] = value;
      else if (kind === 'word') bytes.writeUInt32LE(value, place & ~3);
      else if (kind === 'drop')
        bytes = Buffer.concat([bytes.subarray(0, place), bytes.subarray(place + 1 + (value & 15))]);
      else if (kind === 'repeat') bytes = Buffer.concat([bytes, bytes.subarray(place)]).subarray(0, 4096);
      else bytes = bytes.subarray(0, place);
    }
    return bytes;
  }

  // A million of them by GPUVM_HOSTILE_RUNS=1000000.
  const numRuns = Number(process.env.GPUVM_HOSTILE_RUNS ?? 20_000);

  it(
    'never does more than be refused in one line',
    async () => {
      const { stackTraceLimit } = Error;
      Error.stackTraceLimit = 0;
      let refused = 0;
      let read = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(...sources),
          fc.array(mutation, { minLength: 1, maxLength: 6 }),
          fc.constantFrom(13, 200, 4096),
          async (source, mutations, size) => {
            const bytes = mutate(source, mutations);
            try {
              const { records, notices } = await readAll(pieces(bytes, size));
              read += records.length;
              expect(records.length * 48).toBeLessThanOrEqual(bytes.length);
              expect(notices.length).toBeLessThan(60);
            } catch (error) {
              if (!GpuvmError.is(error, 'GPUVM_INPUT')) throw error;
              refused++;
            }
          },
        ),
        { numRuns },
      );
      Error.stackTraceLimit = stackTraceLimit;
      expect(refused).toBeGreaterThan(numRuns / 1000);
      expect(read).toBeGreaterThan(numRuns);
    },
    60_000 + numRuns * 5,
  );

  it('of nothing but begins of blocks is read in a time that grows with its length alone', async () => {
    const begin = Buffer.from(transferBlock(transfer(1)).subarray(0, 32));
    begin.writeUInt32LE(1 << 20, 4);
    const bytes = Buffer.concat([section(), anInterface(), ...new Array<Buffer>(200_000).fill(begin)]);
    const started = performance.now();
    const { records, notices } = await readAll(pieces(bytes, 4096));
    expect(records).toEqual([]);
    expect(notices[0].kind).toBe('damaged');
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});
