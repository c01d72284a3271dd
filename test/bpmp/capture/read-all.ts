import {
  CaptureWriter,
  type Notice,
  readCapture,
  type TransferRecord,
  type WriterOptions,
} from '../../../src/bpmp/capture/index.js';

/** Everything that is read from a capture. */
export async function readAll(source: string | AsyncIterable<Uint8Array>) {
  const records: TransferRecord[] = [];
  const notices: Notice[] = [];
  for await (const batch of readCapture(source, { onNotice: (notice) => notices.push(notice) }))
    records.push(...batch);
  return { records, notices };
}

export async function* pieces(bytes: Uint8Array, size = bytes.length || 1): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** A whole capture of the records. */
export function captureOf(records: readonly TransferRecord[], options: WriterOptions = {}): Uint8Array {
  const writer = new CaptureWriter(options);
  return Buffer.concat([writer.header(), ...records.map((record) => writer.add(record)), writer.end()]);
}

/** A transfer like many others. */
export function transfer(sequence: number, changes: Partial<TransferRecord> = {}): TransferRecord {
  return {
    sequence,
    vm: 'orin',
    timeNs: 1_795_000_000_000_000_000n + BigInt(sequence) * 1_000_003n,
    mrq: 22,
    tx: Uint8Array.of(sequence, sequence >> 8, 0, 7),
    verdict: 'allow',
    rule: 'policies/gpu.yaml:12 clocks.GPUSYS',
    ret: 0,
    rx: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
    latencyNs: 4000 + sequence,
    thread: 4711,
    ...changes,
  };
}
