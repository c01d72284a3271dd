import { describe, expect, it } from 'vitest';
import { readCapture, transferBlock } from '../../../src/bpmp/capture/index.js';
import { settledMemory } from '../../support/settled-memory.js';
import { anInterface, packet, section } from './blocks.js';
import { captureOf, transfer } from './read-all.js';

const MEGABYTE = 1 << 20;
/** A capture of 10 GB takes no other way; reading one whole is for bench/capture.ts. */
const LENGTH = 100 * MEGABYTE;

/** The begin, and then the same again and again, in chunks of one memory. */
async function* endless(begin: Uint8Array, again: Uint8Array): AsyncGenerator<Uint8Array> {
  yield begin;
  const times = Math.max(1, Math.floor(MEGABYTE / again.length));
  const whole = Buffer.concat(new Array<Uint8Array>(times).fill(again));
  const chunk = Buffer.alloc(65_536);
  for (let given = 0; given < LENGTH; given += whole.length)
    for (let at = 0; at < whole.length; at += chunk.length) {
      const size = whole.copy(chunk, 0, at);
      yield chunk.subarray(0, size);
    }
}

const begin = Buffer.concat([section(), anInterface(), anInterface({ linkType: 1 })]);
const garbage = Buffer.alloc(MEGABYTE);
for (let at = 0; at < garbage.length; at++) garbage[at] = (at * 2654435761) >>> 24;
// Something that might be one of ours, at each place that is looked at.
for (let at = 0; at + 32 < garbage.length; at += 64) garbage.write('BPMP', at);

describe('reading a capture of any length', () => {
  it.each<[string, Uint8Array, Uint8Array]>([
    ['of transfers', begin, transferBlock(transfer(1))],
    ['of ever new names', begin, captureOf([transfer(1, { vm: 'a'.repeat(5000), rule: 'b'.repeat(9000) })])],
    ['of sections and interfaces', begin, Buffer.concat([section(), anInterface()])],
    ['of interfaces', begin, anInterface()],
    ['of packets of another link type', begin, packet(new Uint8Array(1000), { of: 1 })],
    ['of packets that are no transfers', begin, packet(new Uint8Array(1000))],
    ['of losses', begin, transferBlock(transfer(1), { dropped: 3 })],
    ['of large foreign blocks', begin, largeBlock()],
    ['of garbage behind a damaged place', Buffer.concat([begin, garbage.subarray(0, 100)]), garbage],
  ])('takes the same memory: %s', async (_, first, again) => {
    let early = 0;
    let most = 0;
    let seen = 0;
    async function* watched() {
      for await (const chunk of endless(first, again)) {
        yield chunk;
        seen += chunk.length;
        if (early === 0 && seen > LENGTH / 5) early = settledMemory();
        else if (early > 0 && seen % (20 * MEGABYTE) < 65_536) most = Math.max(most, settledMemory());
      }
    }
    let notices = 0;
    for await (const _batch of readCapture(watched(), { onNotice: () => notices++ }));
    expect(seen).toBeGreaterThan(LENGTH * 0.9);
    expect(most).toBeGreaterThan(0);
    expect(most - early).toBeLessThan(3 * MEGABYTE);
    expect(notices).toBeLessThan(60);
  });
});

function largeBlock(): Uint8Array {
  const size = 8 * MEGABYTE;
  const block = Buffer.alloc(size);
  block.writeUInt32LE(0x1234, 0);
  block.writeUInt32LE(size, 4);
  block.writeUInt32LE(size, size - 4);
  return block;
}
