import { describe, expect, it } from 'vitest';
import type { TransferRecord } from '../../../src/bpmp/mediator/index.js';
import { LastRecords } from '../../../src/bpmp/worker/recording.js';

describe('LastRecords', () => {
  it('keeps the last twenty, the oldest first', () => {
    const last = new LastRecords();
    expect(last.records()).toEqual([]);
    for (let sequence = 0; sequence < 45; sequence++) last.add({ sequence } as TransferRecord);
    expect(last.records().map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: 20 }, (_, i) => 25 + i),
    );
  });
});
