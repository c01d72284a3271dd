import { parentPort, workerData } from 'node:worker_threads';
import { RingTransfer, TransferRing } from '../../../src/bpmp/capture/index.js';

/** Fills a ring as fast as it can, each transfer's bytes telling of its sequence. */
const { memory, count } = workerData as { memory: SharedArrayBuffer; count: number };
const ring = new TransferRing(memory);
const transfer = new RingTransfer('racer');
const all = new Uint8Array(512);
const views = Array.from({ length: 513 }, (_, length) => all.subarray(0, length));
transfer.rule = 'a rule';
for (let sequence = 0; sequence < count; sequence++) {
  transfer.mrq = sequence;
  transfer.tx = views[(sequence * 7) % 513]!;
  all.fill(sequence & 0xff, 0, transfer.tx.length);
  transfer.atMs = sequence / 1000;
  ring.add(transfer);
}
parentPort?.postMessage('done');
