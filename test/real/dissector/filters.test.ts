import { afterAll, describe, expect, it } from 'vitest';
import { compileFilter } from '../../../src/bpmp/filter/index.js';
import { expressions } from '../../bpmp/filter/expressions.js';
import { Chance, randomTransfer } from '../../support/random-transfers.js';
import { Tshark } from './tshark.js';

const tshark = new Tshark();
afterAll(() => tshark.remove());

const chance = new Chance(20_260_215);
const transfers = Array.from({ length: 3000 }, (_, index) => randomTransfer(chance, index));
const path = tshark.capture('filters.pcapng', transfers);

describe('a filter selects the same transfers here and in tshark', () => {
  it.concurrent.each(expressions)('%s', async (text) => {
    const { stdout } = await tshark.run(['-r', path, '-Y', text, '-T', 'fields', '-e', 'frame.number']);
    const theirs = stdout.split('\n').filter(Boolean).map(Number);
    const matches = compileFilter(text);
    const ours = transfers.flatMap((record, index) => (matches(record) ? [index + 1] : []));
    expect(ours).toEqual(theirs);
  });
});
