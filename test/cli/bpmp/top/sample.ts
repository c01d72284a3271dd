import { SimulatedBpmp } from '../../../../src/bpmp/backend/index.js';
import type { TransferRecord } from '../../../../src/bpmp/capture/index.js';
import { parsePolicy } from '../../../../src/bpmp/policy/index.js';
import { tegra234 } from '../../../../src/bpmp/tegra234/index.js';
import { encodeRequest, type RequestInput } from '../../../../src/bpmp/wire/index.js';

const POLICY = `version: 1
chip: tegra234
view: full
clocks:
  GPUSYS: use
  GPC0CLK: { right: tune, maxRate: 1.3 GHz }
  GPC1CLK: { right: tune, maxRate: 1.3 GHz }
  PLLP_OUT0: shared
resets:
  GPU: use
powerDomains:
  GPU: use
mrqs:
  PING: allow
`;
const policy = parsePolicy(POLICY, { file: 'policies/gpu.yaml' }).compile();

/** A multiplicative congruential generator (Lehmer's, modulus 2^31 - 1): the same numbers in every run. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

const clk = (command: string, clock: string | number, more: object = {}): RequestInput => ({
  mrq: 'CLK',
  command,
  fields: { clock, ...more },
});

/** What a GPU's driver asks, by how often it does, and what it is refused. */
const requests: readonly (readonly [weight: number, RequestInput])[] = [
  [40, clk('GET_RATE', 'GPC0CLK')],
  [20, clk('GET_RATE', 'GPC1CLK')],
  [12, clk('SET_RATE', 'GPC0CLK', { rateHz: 918_000_000 })],
  [6, clk('SET_RATE', 'GPC1CLK', { rateHz: 408_000_000 })],
  [6, clk('IS_ENABLED', 'GPUSYS')],
  [4, clk('ENABLE', 'GPUSYS')],
  [4, clk('DISABLE', 'PLLP_OUT0')],
  [3, { mrq: 'RESET', command: 'DEASSERT', fields: { reset: 'GPU' } }],
  [3, { mrq: 'PG', command: 'GET_STATE', fields: { powerDomain: 'GPU' } }],
  [2, { mrq: 'PING', fields: { challenge: 33 } }],
  [2, clk('ENABLE', 'EMC')],
  [1, clk('SET_RATE', 'GPC0CLK', { rateHz: 2_000_000_000 })],
  [1, { mrq: 'CLK', bytes: '29000002' }],
];
const encoded = requests.map(([weight, request]) => [weight, encodeRequest(request, tegra234)] as const);
const total = encoded.reduce((sum, [weight]) => sum + weight, 0);

export const START_NS = 1_767_225_600_000_000_000n; // 2026-01-01T00:00:00Z

export interface SampleOptions {
  readonly count: number;
  readonly perSecond?: number;
  readonly seed?: number;
  readonly startNs?: bigint;
}

/** Transfers as a VM would have made them. */
export function sample({
  count,
  perSecond = 20,
  seed = 7,
  startNs = START_NS,
}: SampleOptions): TransferRecord[] {
  const random = randomFrom(seed);
  const backend = new SimulatedBpmp();
  let timeNs = startNs;
  return Array.from({ length: count }, (_, sequence) => {
    const { mrq, tx } = chosen(random() * total);
    timeNs += BigInt(Math.round((random() * 2e9) / perSecond));
    const { decision, rule } = policy.explain(mrq, tx);
    const rx = new Uint8Array(120);
    const isAllowed = decision.verdict === 'allow';
    const outcome = isAllowed ? backend.transfer(mrq, tx, rx) : { ret: decision.ret, rxSize: 0 };
    if (outcome instanceof Promise) throw new Error('the model answers at once');
    return {
      sequence,
      vm: 'orin',
      timeNs,
      mrq,
      tx,
      verdict: decision.verdict,
      rule,
      ret: outcome.ret,
      rx: rx.slice(0, outcome.rxSize),
      // Most are answered in some µs, few take a hundred times as long.
      latencyNs: Math.round((isAllowed ? 9000 : 1500) * (1 + random()) * (random() < 0.02 ? 40 : 1)),
      thread: 4000 + (sequence % 2),
    };
  });
}

function chosen(place: number) {
  let passed = 0;
  for (const [weight, request] of encoded) {
    passed += weight;
    if (place < passed) return request;
  }
  return encoded[0]![1];
}
