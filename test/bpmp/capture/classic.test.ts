import { describe, expect, it } from 'vitest';
import { classic } from './classic-files.js';
import { pieces, readAll, transfer } from './read-all.js';

const records = [1, 2, 3].map((sequence) => transfer(sequence));

describe('a classic pcap', () => {
  it.each([
    ['ns', 0xa1b23c4d, true],
    ['ns, of the other byte order', 0xa1b23c4d, false],
    ['µs', 0xa1b2c3d4, true],
    ['µs, of the other byte order', 0xa1b2c3d4, false],
  ])('is read, with times in %s', async (_, magic, little) => {
    const unit = magic === 0xa1b23c4d ? 1n : 1000n;
    for (const size of [1, 50, 10_000])
      expect(await readAll(pieces(classic(records, { magic, little }), size))).toEqual({
        records: records.map((record) => ({ ...record, timeNs: (record.timeNs / unit) * unit })),
        notices: [],
      });
  });

  it('of another link type gives nothing, and says so', async () => {
    const { records: read, notices } = await readAll(pieces(classic(records, { linkType: 1 })));
    expect(read).toEqual([]);
    expect(notices).toHaveLength(3);
    expect(notices[0]).toMatchObject({ kind: 'foreign', offset: 24 });
  });

  it('is read up to a damaged length', async () => {
    const damaged = classic(records);
    damaged.writeUInt32LE(0xffff_ffff, 24 + 114 + 8);
    const { records: read, notices } = await readAll(pieces(damaged, 20));
    expect(read).toEqual(records.slice(0, 1));
    expect(notices).toMatchObject([{ kind: 'damaged', offset: 24 + 114 }]);
  });
});
