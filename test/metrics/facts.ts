import { SimulatedBpmp } from '../../src/bpmp/backend/index.js';
import { Mediator } from '../../src/bpmp/mediator/index.js';
import { parsePolicy } from '../../src/bpmp/policy/index.js';
import { tegra234 } from '../../src/bpmp/tegra234/index.js';
import { parseRequestWords } from '../../src/bpmp/wire/index.js';
import type { VmFacts } from '../../src/metrics/index.js';
import { stateTable } from '../../src/vm/states.js';

export const POLICY = `version: 1
limit: { perSecond: 500, burst: 50 }
clocks: { GPUSYS: use, GPC0CLK: tune }
resets: { GPU: use }
powerDomains: { GPU: use }
`;

/** What a guest does that uses its GPU, and tries what it may not. */
export const REQUESTS = [
  'ping 1',
  'clk enable GPUSYS',
  'clk set-rate GPC0CLK 1.3GHz',
  'reset assert GPU',
  'pg set-state GPU on',
  'clk enable NVDEC',
  'clk disable NVDEC',
  'reset assert UFSHC',
  'thermal get-temp 3',
];

/** A VM that did this; the numbers are those of a real mediator. */
export async function factsOf(vm = 'orin', requests: readonly string[] = REQUESTS): Promise<VmFacts> {
  const policy = parsePolicy(POLICY, { file: 'gpu.yaml' }).compile();
  const mediator = new Mediator({ vm, policy, backend: new SimulatedBpmp() });
  for (const words of requests) {
    const { mrq, tx } = parseRequestWords(words.split(' '), tegra234);
    await mediator.handle(mrq, tx, new Uint8Array(128));
  }
  for (const [mrq, tx] of [
    [5, []],
    [200, []],
    [22, [1, 2]],
  ] as const)
    await mediator.handle(mrq, Uint8Array.from(tx), new Uint8Array(128));
  return {
    vm,
    version: '1.2.3',
    state: 'running',
    states: Object.keys(stateTable),
    restarts: 2,
    startedMs: 1_700_000_000_500,
    qemu: { cpuSeconds: 12.34, residentBytes: 1_234_567_168 },
    setting: { bridge: 'interposed', backend: 'simulated' },
    bridge: {
      snapshot: { ...mediator.snapshot(), recordsDropped: 0 },
      latencies: mediator.latencies(),
      policy: { mode: 'enforce' },
    },
  };
}
