import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { SimulatedBpmp } from '../../../src/bpmp/backend/index.js';
import {
  type CompiledPolicy,
  expectationOf,
  isAsExpected,
  type Policy,
  parsePolicy,
  type SeenTransfer,
  TraceLearner,
} from '../../../src/bpmp/policy/index.js';
import { ClockTree } from '../../../src/bpmp/replay/index.js';
import { tegra234 } from '../../../src/bpmp/tegra234/index.js';
import { classify, Mrq, newShape, parseRequestWords } from '../../../src/bpmp/wire/index.js';
import { policyText } from './arbitrary.js';
import { bytes, i2c, words } from './bytes.js';
import { Random, randomRequest } from './request.js';

let tree: ClockTree;
beforeAll(async () => {
  tree = await ClockTree.ask(new SimulatedBpmp(), tegra234);
});

const above = (clocks: readonly number[]) => tree.above(clocks);
const START = 1_764_000_000_000_000_000n;

/** As a bridge in front of the model compiles it. */
function compiled(policy: Policy): CompiledPolicy {
  return policy.compile({ sharedParents: { clocks: above(policy.compile().grantedClocks) } });
}

function decided(
  policy: CompiledPolicy,
  mrq: number,
  tx: Uint8Array,
  at: number,
  observed = false,
): SeenTransfer {
  const { verdict, hidden, rule } = policy.decide(classify(mrq, tx, newShape()), tx);
  const timeNs = START + BigInt(at) * 1_000_000n;
  return {
    mrq,
    tx: tx.slice(),
    verdict,
    rule: rule.text,
    timeNs,
    ...(hidden && { hidden }),
    ...(observed && { observed }),
  };
}

function learn(trace: readonly SeenTransfer[], options: { includeDenied?: boolean } = {}) {
  const learner = new TraceLearner(tegra234, options);
  for (const transfer of trace) learner.add(transfer);
  return learner;
}

/** What of the trace does not fare as it did under this policy; undefined where the text is none. */
function differing(text: string, trace: readonly SeenTransfer[]): SeenTransfer[] | undefined {
  let policy: CompiledPolicy;
  try {
    policy = compiled(parsePolicy(text));
  } catch {
    return undefined;
  }
  return trace.filter((transfer) => {
    const { verdict } = policy.decide(classify(transfer.mrq, transfer.tx, newShape()), transfer.tx);
    return !isAsExpected(expectationOf(transfer, tegra234), verdict);
  });
}

/** The text without each of its lines that say something, one at a time. */
function* without(text: string): Generator<[line: string, rest: string]> {
  const lines = text.split('\n');
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '' || line.trim().startsWith('#')) continue;
    yield [line, lines.toSpliced(index, 1).join('\n')];
  }
}

const asked = (line: string): [number, Uint8Array] => {
  const { mrq, tx } = parseRequestWords(line.split(' '), tegra234);
  return [mrq, tx];
};

describe('what is learned from a recording', () => {
  it('is the least that passes it, with counts, times and devices', () => {
    const policy = compiled(
      parsePolicy(
        'version: 1\nclocks: {GPUSYS: use, GPC0CLK: {right: tune, maxRate: 2 GHz}, FUSE: shared, VIC: tune}\nresets: {GPU: use}\npowerDomains: {GPU: use}\nmrqs: {THERMAL: allow}\ni2c: {5: [0x3c, 0x50]}\n',
        { file: 'gpu.yaml' },
      ),
    );
    const requests: [number, Uint8Array][] = [
      asked('ping 1'),
      asked('clk get-all-info GPUSYS'),
      asked('clk get-all-info HOST1X'),
      asked('clk enable GPUSYS'),
      asked('clk enable GPUSYS'),
      asked('clk set-rate GPC0CLK 408MHz'),
      asked('clk set-rate GPC0CLK 1.3GHz'),
      asked('clk set-rate GPC0CLK 3GHz'),
      asked('clk disable FUSE'),
      asked('clk enable VIC'),
      asked('clk disable PLLP_OUT0'),
      asked('clk enable NVDEC'),
      asked('reset deassert GPU'),
      asked('pg set-state GPU on'),
      [Mrq.THERMAL, words(1, 0)],
      [Mrq.I2C, i2c(5, [0x3c, 1])],
      [Mrq.CLK, bytes('00')],
    ];
    const trace = requests.map(([mrq, tx], at) => decided(policy, mrq, tx, at));
    const { text, notes, lines } = learn(trace).learned({
      above,
      source: 'gpu.pcapng',
      deviceOf: (section, id) => (section === 'clocks' && id === 304 ? 'gpu@17000000' : undefined),
    });
    expect(notes).toEqual([]);
    expect(lines).toBe(8);
    expect(text).toBe(`# The least policy for 17 requests, seen in gpu.pcapng.
# First seen 2025-11-24 16:00:00.000, last 2025-11-24 16:00:00.016 UTC.
# Left out: 2 that were denied, 1 reads of what the guest could not see or its device tree let it read, 1 malformed or too many at once.
version: 1

clocks:
  FUSE: shared # 1× DISABLE; 16:00:00.008
  GPC0CLK: {right: tune, maxRate: 1.3 GHz} # 2× SET_RATE; 16:00:00.005 to 16:00:00.006
  VIC: use # 1× ENABLE; 16:00:00.009
  GPUSYS: use # 2× ENABLE, 1× GET_ALL_INFO; 16:00:00.001 to 16:00:00.004; gpu@17000000

resets:
  GPU: use # 1× DEASSERT; 16:00:00.012

powerDomains:
  GPU: use # 1× SET_STATE; 16:00:00.013

mrqs:
  THERMAL: [GET_TEMP] # 1× THERMAL GET_TEMP; 16:00:00.014

i2c:
  5: [0x3c] # 1× I2C XFER; 16:00:00.015
`);
    expect(differing(text, trace)).toEqual([]);
  });

  it.each([false, true])(
    'passes what passed and has nothing superfluous, whatever was asked (observed: %s)',
    (observed) => {
      let lines = 0;
      fc.assert(
        fc.property(policyText, fc.nat(), (text, seed) => {
          const policy = compiled(parsePolicy(text));
          const random = new Random(seed);
          const favourites = [...policy.grantedClocks, ...above(policy.grantedClocks)];
          const trace = Array.from({ length: 80 }, (_, at) => {
            const { mrq, tx } = randomRequest(random, favourites);
            return decided(policy, mrq, tx, at, observed);
          });
          const { text: learned, notes } = learn(trace).learned({ above });
          const context = { text, learned };
          expect({ ...context, differing: differing(learned, trace) }).toEqual({ ...context, differing: [] });
          if (!observed) expect({ ...context, notes }).toEqual({ ...context, notes: [] });
          for (const [line, rest] of without(learned)) {
            lines++;
            const missed = differing(rest, trace)?.length ?? 'not valid';
            if (missed === 0) throw new Error(`superfluous: ${line}\n${learned}\nof\n${text}`);
          }
        }),
        { numRuns: 100 },
      );
      expect(lines).toBeGreaterThan(300);
    },
    120_000,
  );
});
