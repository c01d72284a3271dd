import { SimulatedBpmp } from '../../src/bpmp/backend/index.js';
import { CaptureWriter, type TransferRecord } from '../../src/bpmp/capture/index.js';
import { parsePolicy } from '../../src/bpmp/policy/index.js';
import { compileFor, MediatedTarget, type Request } from '../../src/bpmp/replay/index.js';
import { tegra234 } from '../../src/bpmp/tegra234/index.js';
import { classify, newShape, parseRequestWords } from '../../src/bpmp/wire/index.js';

/** 24 November 2025, 16:00 UTC. */
const START_NS = 1_764_000_000_000_000_000n;

/** What a VM with this policy in front of a model would have recorded of these requests, a millisecond apart. */
export async function recorded(
  policyText: string,
  requests: readonly (string | Request)[],
  file = 'vm.yaml',
): Promise<TransferRecord[]> {
  const policy = parsePolicy(policyText, { file });
  const backend = new SimulatedBpmp();
  const compiled = await compileFor(policy, backend);
  const target = new MediatedTarget('a model', backend, compiled, { unlimited: true });
  const observed = policy.mode !== 'enforce';
  const records: TransferRecord[] = [];
  for (const [sequence, asked] of requests.entries()) {
    const request = typeof asked === 'string' ? parseRequestWords(asked.split(' '), tegra234) : asked;
    const [answer] = await target.ask([request]);
    const { hidden } = compiled.decide(classify(request.mrq, request.tx, newShape()), request.tx);
    records.push({
      sequence,
      vm: 'orin',
      timeNs: START_NS + BigInt(sequence) * 1_000_000n,
      ...request,
      verdict: answer!.verdict!,
      rule: answer!.rule!,
      ret: answer!.ret,
      rx: answer!.rx,
      latencyNs: 12_000,
      ...(hidden && { hidden }),
      ...(observed && { observed }),
    });
  }
  await target.end();
  return records;
}

export function captureOf(records: readonly TransferRecord[]): Uint8Array {
  const writer = new CaptureWriter({ vms: [{ name: 'orin' }] });
  return Buffer.concat([writer.header(), ...records.map((record) => writer.add(record)), writer.end()]);
}
