import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CaptureWriter,
  encodeTransfer,
  readCapture,
  transferBlock,
} from '../../../src/bpmp/capture/index.js';
import { block } from '../../../src/bpmp/capture/pcapng/write.js';
import { anyTransfer } from './arbitrary.js';
import { anInterface, bigEndian, packet, section, words } from './blocks.js';
import { captureOf, pieces, readAll, transfer } from './read-all.js';

const data = encodeTransfer(transfer(1));
const at = (timeNs: bigint) => transfer(1, { timeNs });
const read = (...parts: readonly Uint8Array[]) => readAll(pieces(Buffer.concat(parts)));

describe('a capture of others', () => {
  it('may be of the other byte order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyTransfer, { maxLength: 10 }), async (records) => {
        const options = { vms: [{ name: 'orin', description: 'a board' }] };
        const swapped = bigEndian(captureOf(records, options));
        expect(await readAll(pieces(swapped, 100))).toEqual({ records, notices: [] });
      }),
      { numRuns: 30 },
    );
  });

  it('may have several sections, of either byte order, each with its own interfaces', async () => {
    const little = captureOf([transfer(1)], { vms: [{ name: 'a' }, { name: 'b' }] });
    const parts = [little, bigEndian(captureOf([transfer(2)])), captureOf([transfer(3)])];
    expect(await read(...parts)).toEqual({ records: [transfer(1), transfer(2), transfer(3)], notices: [] });
    const { notices } = await read(little, section(), packet(data));
    expect(notices).toMatchObject([
      {
        kind: 'damaged',
        offset: little.length + 28,
        message: expect.stringContaining('interface 0, which is not described'),
      },
    ]);
  });

  it.each<[string, Parameters<typeof anInterface>[0], bigint, bigint]>([
    ['µs unless told', {}, 1_795_000_000_123_456n, 1_795_000_000_123_456_000n],
    ['ms', { resolution: 3 }, 1_795_000_000_123n, 1_795_000_000_123_000_000n],
    ['s', { resolution: 0 }, 1_795_000_000n, 1_795_000_000_000_000_000n],
    ['ps', { resolution: 12 }, 1_795_000_123_456n, 1_795_000_123n],
    ['2^-20 s', { resolution: 0x80 | 20 }, 3n << 19n, 1_500_000_000n],
    ['ns behind an offset', { resolution: 9, offsetSeconds: 1_795_000_000n }, 5n, 1_795_000_000_000_000_005n],
    ['µs before an offset', { offsetSeconds: -1n }, 1_000_001n, 1000n],
    ['the finest there can be', { resolution: 0xff }, 2n ** 64n - 1n, 0n],
  ])('has its times in what its interface says: %s', async (_, description, units, timeNs) => {
    const parts = [
      section(),
      anInterface({ linkType: 1 }),
      anInterface(description),
      packet(data, { of: 1, units }),
    ];
    expect(await read(...parts)).toEqual({ records: [at(timeNs)], notices: [] });
  });

  it('may have simple and obsolete packet blocks', async () => {
    const simple = block(3, Buffer.concat([words(data.length), data]), []);
    // Of interface 0, 7 lost before it.
    const fields = words(7 << 16, 0, 5_000_000, data.length, data.length);
    const obsolete = block(2, Buffer.concat([fields, data]), []);
    const unknownLoss = block(
      2,
      Buffer.concat([words(0xffff << 16, 0, 6_000_000, data.length, data.length), data]),
      [],
    );
    const { records, notices } = await read(section(), anInterface(), simple, obsolete, unknownLoss);
    expect(records).toEqual([at(0n), at(5_000_000_000n), at(6_000_000_000n)]);
    expect(notices).toMatchObject([{ kind: 'lost', lost: 7 }]);
  });

  it('may have blocks that are nothing to us, known and unknown', async () => {
    const parts = [4, 9, 10, 5, 0xbad, 0x4000_0bad, 0x1234].map((type) => block(type, words(1, 2, 3), []));
    const { records, notices } = await read(section(), anInterface(), ...parts, packet(data));
    expect(records).toHaveLength(1);
    expect(notices).toMatchObject([{ kind: 'foreign', message: expect.stringContaining('type 4660') }]);
  });

  it('may have packets of other link types, told of a few times', async () => {
    const foreign = packet(new Uint8Array(60), { of: 1 });
    const many = new Array<Uint8Array>(10_000).fill(foreign);
    const parts = [section(), anInterface(), anInterface({ linkType: 1 }), ...many, packet(data)];
    const { records, notices } = await read(...parts);
    expect(records).toHaveLength(1);
    expect(notices[0]).toMatchObject({ kind: 'foreign', message: expect.stringContaining('of link type 1') });
    expect(notices.length).toBeLessThan(25);
    const told = notices.map(({ message }) => 1 + Number(/and (\d+) more/.exec(message)?.[1] ?? 0));
    expect(told.reduce((sum, count) => sum + count)).toBe(10_000);
  });

  it('may have packets of our link type that are none of ours', async () => {
    const later = encodeTransfer(transfer(2));
    later[4] = 2;
    const others = [new Uint8Array(0), new Uint8Array(60), later, data.subarray(0, 47), data.subarray(0, 60)];
    const { records, notices } = await read(
      section(),
      anInterface(),
      ...others.map((other) => packet(other)),
      packet(data),
    );
    expect(records).toEqual([at(0n)]);
    expect(notices.map(({ message }) => message.replace(/.*: /, ''))).toEqual([
      'it does not begin with "BPMP"',
      'it does not begin with "BPMP"',
      'version 2 of the record, which this gpuvm does not know',
      "47 bytes, of the header's 48",
      '60 bytes, but its lengths make 98',
    ]);
    expect(notices.every(({ kind }) => kind === 'foreign')).toBe(true);
  });

  it('may have been cut to a length for each packet', async () => {
    const parts = [
      section(),
      anInterface({ snapLength: 50 }),
      packet(data.subarray(0, 50), { original: data.length }),
    ];
    const { records, notices } = await read(...parts);
    expect(records).toEqual([]);
    expect(notices).toMatchObject([
      { kind: 'foreign', message: expect.stringContaining(`cut to 50 of ${data.length} bytes`) },
    ]);
  });

  it('tells what was lost', async () => {
    const writer = new CaptureWriter();
    const parts = [writer.header(), writer.add(transfer(1)), writer.add(transfer(9), { dropped: 7 })];
    expect(await read(...parts)).toMatchObject({
      records: [transfer(1), transfer(9)],
      notices: [
        {
          kind: 'lost',
          lost: 7,
          message: expect.stringContaining('7 transfers were lost before the one at byte'),
        },
      ],
    });
  });

  it('counts all that was lost, however often', async () => {
    const writer = new CaptureWriter();
    const many = Array.from({ length: 5000 }, (_, index) =>
      writer.add(transfer(index), { dropped: 1 + (index % 3) }),
    );
    const { notices } = await read(writer.header(), writer.add(transfer(0)), ...many);
    expect(notices.length).toBeLessThan(25);
    expect(notices.reduce((sum, { lost = 0 }) => sum + lost, 0)).toBe(
      many.reduce((sum, _, index) => sum + 1 + (index % 3), 0),
    );
  });

  it('may have options that do not add up', async () => {
    const damaged = Buffer.from(packet(data, { options: [{ code: 1, value: Uint8Array.of(1, 2, 3, 4) }] }));
    damaged.writeUInt16LE(200, 28 + ((data.length + 3) & ~3) + 2);
    expect(await read(section(), anInterface(), damaged, packet(data))).toMatchObject({
      records: [at(0n), at(0n)],
      notices: [{ kind: 'damaged', message: expect.stringContaining('options that do not add up') }],
    });
  });

  it('may have more interfaces than anybody has', async () => {
    const parts = new Array<Uint8Array>(5000).fill(anInterface());
    const { records, notices } = await read(
      section(),
      ...parts,
      packet(data, { of: 4095 }),
      packet(data, { of: 4096 }),
    );
    expect(records).toHaveLength(1);
    expect(notices.length).toBeLessThan(30);
  });

  it('may have a block too large to be held, which is passed over', async () => {
    const large = block(0x1234, new Uint8Array(3 << 20), []);
    const whole = Buffer.concat([section(), anInterface(), packet(data), large, packet(data)]);
    const { records, notices } = await readAll(pieces(whole, 65_536));
    expect(records).toHaveLength(2);
    expect(notices).toMatchObject([
      { kind: 'foreign', message: expect.stringContaining('of 3145740 bytes, was passed over') },
    ]);
    const cut = await readAll(pieces(whole.subarray(0, 1 << 20), 1000));
    expect(cut.records).toHaveLength(1);
    expect(cut.notices).toMatchObject([{ kind: 'foreign' }, { kind: 'cut' }]);
  });
});

describe('what is no capture', () => {
  it.each<[string, Uint8Array, string]>([
    ['text', Buffer.from('{"mrq":22}\n'), 'neither as pcapng nor as pcap'],
    ['short text', Buffer.from('hello'), 'neither as pcapng nor as pcap'],
    ['gzip', Buffer.from('1f8b0800000000000003000000', 'hex'), 'gunzip'],
    ['zstd', Buffer.from('28b52ffd000000000000000000', 'hex'), 'unzstd'],
    ['xz', Buffer.from('fd377a585a0000000000000000', 'hex'), 'unxz'],
    ['a section without a byte order', Buffer.from(section()).fill(7, 8, 12), 'without a byte order'],
    ['another pcap', Buffer.from('34cdb2a1020004000000000000000000', 'hex'), 'editcap'],
  ])('is refused in one line: %s', async (_, bytes, reason) => {
    const error = await readAll(pieces(bytes)).catch((error: unknown) => error);
    expect(error).toMatchObject({ code: 'GPUVM_INPUT', message: expect.stringContaining(reason) });
    expect(String(error)).not.toContain('\n');
  });

  it.each([
    ['/nowhere/at.pcapng', 'it is not there'],
    ['/tmp', 'it is a folder'],
    ['/etc/hostname/x.pcapng', 'what is named as its folder is none'],
  ])('or cannot be read: %s', async (path, reason) => {
    await expect(readAll(path)).rejects.toThrow(
      expect.objectContaining({ code: 'GPUVM_FILE', message: `${path} cannot be read: ${reason}` }),
    );
  });

  it('but an empty file was cut', async () => {
    expect(await read()).toEqual({
      records: [],
      notices: [{ kind: 'cut', message: 'it is empty', offset: 0 }],
    });
  });
});

it('whole blocks of a stream that goes on are delivered at once', async () => {
  const writer = new CaptureWriter();
  const given: number[] = [];
  const got: number[] = [];
  async function* stream() {
    yield writer.header();
    for (let sequence = 0; sequence < 5; sequence++) {
      given.push(sequence);
      const bytes = writer.add(transfer(sequence));
      yield bytes.subarray(0, 10);
      yield bytes.subarray(10);
      expect(got).toEqual(given);
    }
  }
  for await (const batch of readCapture(stream())) got.push(...batch.map(({ sequence }) => sequence));
  expect(got).toHaveLength(5);
});

it('records are of their own: the memory that they were read from may be used again', async () => {
  const records = Array.from({ length: 300 }, (_, index) =>
    transfer(index, {
      vm: `vm ${index % 7}`,
      rule: `rule ${index % 11}`,
      rx: new Uint8Array(index % 90).fill(index),
    }),
  );
  const whole = captureOf(records);
  async function* reused() {
    const chunk = Buffer.alloc(300);
    for (let from = 0; from < whole.length; from += chunk.length) {
      const size = Buffer.from(whole).copy(chunk, 0, from);
      yield chunk.subarray(0, size);
    }
  }
  expect(await readAll(reused())).toEqual({ records, notices: [] });
});

it('ready blocks are what the writer makes', () => {
  const writer = new CaptureWriter({ vms: [{ name: 'orin' }] });
  writer.header();
  expect(Buffer.from(writer.add(transfer(1), { dropped: 3, comment: 'look' }))).toEqual(
    Buffer.from(transferBlock(transfer(1), { dropped: 3, comment: 'look' })),
  );
});
