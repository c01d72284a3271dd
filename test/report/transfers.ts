import type { TransferRecord } from '../../src/bpmp/capture/index.js';
import { tegra234 } from '../../src/bpmp/tegra234/index.js';
import { encodeRequest } from '../../src/bpmp/wire/index.js';

/** Numbers that look like chance and are the same each time. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

export const request = (mrq: string, command: string | undefined, fields: Record<string, unknown> = {}) =>
  encodeRequest({ mrq, ...(command !== undefined && { command }), fields }, tegra234);

const devices = ['GPUSYS', 'GPC0CLK', 'GPC1CLK', 'HOST1X', 'VIC', 'NVDEC', 'NVJPG1', 'TSEC_PKA'];
const denied = ['PLLP_OUT0', 'EMC', 'NVENC', 'SDMMC4'];

/**
 * Transfers as a GPU's driver makes them, for as long as one likes: rates that follow the load, blocks that are switched on
 * and off, questions, and now and then something that the policy refuses.
 */
export function* workload(count: number, vm = 'orin-gpu', seed = 1): Generator<TransferRecord> {
  const next = chance(seed);
  const pick = <Of>(of: readonly Of[]) => of[Math.floor(next() * of.length)]!;
  const on = new Set<string>();
  let timeNs = 1_790_000_000_000_000_000n + BigInt(seed) * 1_000_000_000n;
  for (let sequence = 0; sequence < count; sequence++) {
    const busy = Math.sin(sequence / (count / 130)) > -0.2;
    timeNs += BigInt(Math.round((busy ? 60_000 : 1_500_000) * -Math.log(1 - next())));
    const latencyNs = Math.round(
      9000 * Math.exp(next() * next() * 2.2) + (next() < 0.004 ? 2e6 * next() : 0),
    );
    const common = { sequence, vm, timeNs, latencyNs, thread: 4242 + (seed % 7) };
    const roll = next();
    const clock = pick(devices);
    if (roll < 0.004) {
      const what = pick([
        request('CLK', 'SET_RATE', { clock: pick(denied), rateHz: 408e6 }),
        request('CLK', 'ENABLE', { clock: pick(denied) }),
        request('RESET', 'ASSERT', { reset: 'SDMMC4' }),
        request('DEBUG', 'OPEN_WO', { name: 'clk/pllp_out0/rate' }),
      ]);
      yield {
        ...common,
        ...what,
        verdict: 'deny',
        rule: 'built-in: not granted',
        ret: -1,
        rx: new Uint8Array(),
      };
    } else if (roll < 0.0045)
      yield {
        ...common,
        mrq: 22,
        tx: Uint8Array.of(1, 2),
        verdict: 'malformed',
        rule: 'built-in: malformed',
        ret: -22,
        rx: new Uint8Array(),
      };
    else if (roll < 0.01)
      yield {
        ...common,
        ...request('CLK', 'DISABLE', { clock: 'FUSE' }),
        verdict: 'absorb',
        rule: 'gpu.yaml:21 clocks.FUSE',
        ret: 0,
        rx: new Uint8Array(),
      };
    else if (roll < 0.3) {
      const rateHz = 114_750_000 + 25_500_000 * Math.floor(next() * 40);
      const rx = new Uint8Array(8);
      new DataView(rx.buffer).setBigInt64(0, BigInt(rateHz), true);
      const what = request('CLK', 'SET_RATE', { clock: pick(['GPC0CLK', 'GPC1CLK']), rateHz });
      yield { ...common, ...what, verdict: 'allow', rule: 'gpu.yaml:17 clocks.GPC0CLK', ret: 0, rx };
    } else if (roll < 0.5) {
      const isOn = on.has(clock);
      if (isOn) on.delete(clock);
      else on.add(clock);
      const what = request('CLK', isOn ? 'DISABLE' : 'ENABLE', { clock });
      const ret = next() < 0.002 ? -5 : 0;
      yield {
        ...common,
        ...what,
        verdict: 'allow',
        rule: `gpu.yaml:16 clocks.${clock}`,
        ret,
        rx: new Uint8Array(),
      };
    } else if (roll < 0.53) {
      const what = request('RESET', next() < 0.5 ? 'ASSERT' : 'DEASSERT', {
        reset: pick(['GPU', 'VIC', 'NVDEC']),
      });
      yield {
        ...common,
        ...what,
        verdict: 'allow',
        rule: 'gpu.yaml:25 resets',
        ret: 0,
        rx: new Uint8Array(),
      };
    } else if (roll < 0.56) {
      const what = request('PG', 'SET_STATE', {
        powerDomain: pick(['GPU', 'VIC', 'NVDEC']),
        state: next() < 0.5 ? 0 : 1,
      });
      yield {
        ...common,
        ...what,
        verdict: 'allow',
        rule: 'gpu.yaml:29 powerDomains',
        ret: 0,
        rx: new Uint8Array(),
      };
    } else if (roll < 0.6) {
      const what = request('PING', undefined, { challenge: sequence });
      const rx = new Uint8Array(4);
      new DataView(rx.buffer).setUint32(0, sequence * 2, true);
      yield { ...common, ...what, verdict: 'allow', rule: 'built-in: PING', ret: 0, rx };
    } else if (roll < 0.62) {
      const what = request('CLK', 'GET_RATE', { clock: pick(denied) });
      yield {
        ...common,
        ...what,
        verdict: 'deny',
        hidden: true,
        rule: 'built-in: hidden',
        ret: -22,
        rx: new Uint8Array(),
      };
    } else {
      const rx = new Uint8Array(8);
      new DataView(rx.buffer).setBigInt64(0, 918_000_000n, true);
      yield {
        ...common,
        ...request('CLK', 'GET_RATE', { clock }),
        verdict: 'allow',
        rule: `gpu.yaml:16 clocks.${clock}`,
        ret: 0,
        rx,
      };
    }
  }
}

/** In batches, as a reader hands them over. */
export async function* batches(
  records: Iterable<TransferRecord>,
  size = 4096,
): AsyncGenerator<TransferRecord[]> {
  let batch: TransferRecord[] = [];
  for (const record of records) {
    batch.push(record);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
