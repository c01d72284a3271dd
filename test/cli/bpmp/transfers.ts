import { CaptureWriter, type TransferRecord } from '../../../src/bpmp/capture/index.js';
import { tegra234 } from '../../../src/bpmp/tegra234/index.js';
import { encodeRequest } from '../../../src/bpmp/wire/index.js';

const START_NS = 1_700_000_000_000_000_000n;

/** ENABLE of GPUSYS that was allowed, or what is said otherwise; one every 1.5 ms. */
export function transfer(sequence: number, more: Partial<TransferRecord> = {}): TransferRecord {
  const { mrq, tx } = encodeRequest({ mrq: 'CLK', command: 'ENABLE', fields: { clock: 'GPUSYS' } }, tegra234);
  return {
    sequence,
    vm: 'orin',
    timeNs: START_NS + 1_500_000n * BigInt(sequence),
    mrq,
    tx,
    verdict: 'allow',
    rule: 'gpu.yaml:9: GPUSYS: use',
    ret: 0,
    rx: new Uint8Array(0),
    latencyNs: 21_400,
    ...more,
  };
}

/** A transfer that its policy denied. */
export function refusal(sequence: number, more: Partial<TransferRecord> = {}): TransferRecord {
  return transfer(sequence, { verdict: 'deny', ret: -1, rule: 'built-in: no rule grants it', ...more });
}

export function captureOf(...records: TransferRecord[]): Uint8Array {
  const writer = new CaptureWriter({
    vms: [...new Set(records.map(({ vm }) => vm))].map((name) => ({ name })),
  });
  return Buffer.concat([writer.header(), ...records.map((record) => writer.add(record))]);
}
