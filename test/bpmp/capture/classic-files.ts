import { encodeTransfer, type TransferRecord } from '../../../src/bpmp/capture/index.js';

/** The records as a classic pcap. */
export function classic(
  records: readonly TransferRecord[],
  { magic = 0xa1b23c4d, little = true, linkType = 147 } = {},
): Buffer {
  const word = (bytes: Buffer, value: number, at: number) =>
    little ? bytes.writeUInt32LE(value, at) : bytes.writeUInt32BE(value, at);
  const file = Buffer.alloc(24);
  word(file, magic, 0);
  word(file, little ? 0x0004_0002 : 0x0002_0004, 4);
  word(file, 262_144, 16);
  word(file, linkType, 20);
  const unit = magic === 0xa1b23c4d ? 1n : 1000n;
  const packets = records.flatMap((record) => {
    const data = encodeTransfer(record);
    const head = Buffer.alloc(16);
    word(head, Number(record.timeNs / 1_000_000_000n), 0);
    word(head, Number((record.timeNs % 1_000_000_000n) / unit), 4);
    word(head, data.length, 8);
    word(head, data.length, 12);
    return [head, data];
  });
  return Buffer.concat([file, ...packets]);
}
