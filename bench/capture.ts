import { setTimeout as sleep } from 'node:timers/promises';
import { encodeTransfer, readCapture } from '../src/bpmp/capture/index.js';
import { settledMemory } from '../test/support/settled-memory.js';
import { capture, templates } from './million.js';
import { type Figure, quantile, type Suite } from './suite.js';

const RECORDS = 1_000_000;
/** Read in one go for each sample, out of memory. */
const IN_SAMPLE = 50_000;
const ROUNDS = 24;
/** For the compiler. */
const WARM_UP = 4;
/** Where an enhanced packet block has its packet's length, and the packet. */
const [LENGTH, PACKET] = [20, 28];

/**
 * A capture is read, against walking the same blocks and copying each packet, which no reader can do without; by turns. Then a
 * million records are, as they are made, and the memory is looked at on the way.
 */
export async function run(): Promise<Suite> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of capture(IN_SAMPLE)) chunks.push(Uint8Array.from(chunk));
  const records = await templates();
  const times = { read: [] as number[], walked: [] as number[], encoded: [] as number[] };
  for (let round = 0; round < WARM_UP + ROUNDS; round++) {
    const started = performance.now();
    let read = 0;
    for await (const batch of readCapture(from(chunks))) read += batch.length;
    const ended = performance.now();
    let walked = 0;
    for (const chunk of chunks) walked += walk(chunk);
    const walkedAt = performance.now();
    let encoded = 0;
    for (const record of records) encoded += encodeTransfer(record).length;
    const encodedAt = performance.now();
    if (read !== IN_SAMPLE || walked < read || encoded === 0) throw new Error(`${read} records were read`);
    await sleep(0);
    if (round < WARM_UP) continue;
    times.read.push(((ended - started) * 1e6) / IN_SAMPLE);
    times.walked.push(((walkedAt - ended) * 1e6) / IN_SAMPLE);
    times.encoded.push(((encodedAt - walkedAt) * 1e6) / records.length);
  }
  const grown = await memoryOf(RECORDS);
  return {
    name: 'capture',
    what: `${ROUNDS} × ${IN_SAMPLE} records read from memory; then ${RECORDS} as they are made`,
    figures: [
      figure('a record read', times.read),
      figure('its block walked, its packet copied', times.walked),
      figure('a record encoded', times.encoded),
    ],
    ratios: [
      {
        label: 'records read a second (median)',
        value: 1e9 / quantile(times.read, 0.5),
        promise: { atLeast: 300_000 },
      },
      {
        label: 'read / walked and copied (median)',
        value: quantile(times.read, 0.5) / quantile(times.walked, 0.5),
        promise: { atMost: 8 },
      },
      {
        label: `memory after ${RECORDS} records / after a tenth`,
        value: grown,
        promise: { atMost: 1.1 },
      },
    ],
  };
}

async function* from(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

/** Follows the lengths from block to block, and copies what the packets hold. */
function walk(chunk: Uint8Array): number {
  const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.length);
  let packets = 0;
  for (let at = 0; at < chunk.length; at += view.getUint32(at + 4, true)) {
    if (view.getUint32(at, true) !== 6) continue;
    const copy = chunk.slice(at + PACKET, at + PACKET + view.getUint32(at + LENGTH, true));
    if (copy[0] === 0x42) packets++;
  }
  return packets;
}

/** What is in use after all of them were read, over what was after a tenth. */
async function memoryOf(count: number): Promise<number> {
  let read = 0;
  let early = 0;
  for await (const batch of readCapture(capture(count))) {
    read += batch.length;
    if (early === 0 && read > count / 10) early = settledMemory();
  }
  if (read !== count) throw new Error(`${read} of ${count} records were read`);
  return settledMemory() / early;
}

function figure(label: string, samples: readonly number[]): Figure {
  return {
    label,
    p50: quantile(samples, 0.5),
    p99: quantile(samples, 0.99),
    unit: 'ns',
    samples: samples.length,
  };
}
