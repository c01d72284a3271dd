import { describe, expect, it } from 'vitest';
import { SimulatedBpmp } from '../../src/bpmp/backend/index.js';
import { Mediator } from '../../src/bpmp/mediator/index.js';
import { parsePolicy } from '../../src/bpmp/policy/index.js';
import { catalogue, expose, vmFamilies } from '../../src/metrics/index.js';
import { factsOf } from './facts.js';

/** The series of a text by what stands before their values. */
async function seriesOf(facts = factsOf()): Promise<Map<string, number>> {
  const { body } = expose(vmFamilies(await facts), 'prometheus');
  const lines = body.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const series = lines.map((line): [string, number] => {
    const at = line.lastIndexOf(' ');
    return [line.slice(0, at), Number(line.slice(at + 1))];
  });
  expect(new Map(series).size).toBe(series.length);
  return new Map(series);
}

describe('the metrics of a VM', () => {
  it('count its requests, denials and holdings', async () => {
    const series = await seriesOf();
    const expected = {
      'gpuvm_bpmp_transfers_total{vm="orin",mrq="CLK",verdict="allow"}': 2,
      'gpuvm_bpmp_transfers_total{vm="orin",mrq="CLK",verdict="deny"}': 2,
      'gpuvm_bpmp_transfers_total{vm="orin",mrq="CLK",verdict="malformed"}': 1,
      'gpuvm_bpmp_denials_total{vm="orin",kind="clock",resource="NVDEC"}': 2,
      'gpuvm_bpmp_denials_total{vm="orin",kind="reset",resource="UFSHC"}': 1,
      'gpuvm_bpmp_denials_total{vm="orin",kind="mrq",resource="THERMAL"}': 1,
      'gpuvm_bpmp_held{vm="orin",kind="clock",resource="GPUSYS"}': 1,
      'gpuvm_bpmp_held{vm="orin",kind="clock rate",resource="GPC0CLK"}': 1,
      'gpuvm_bpmp_rate_limit_transfers_per_second{vm="orin"}': 500,
      'gpuvm_bpmp_rate_limit_burst_transfers{vm="orin"}': 50,
      'gpuvm_bpmp_up{vm="orin"}': 1,
      'gpuvm_vm_restarts_total{vm="orin"}': 2,
      'gpuvm_vm_start_time_seconds{vm="orin"}': 1_700_000_000.5,
      'gpuvm_qemu_cpu_seconds_total{vm="orin"}': 12.34,
      'gpuvm_build_info{version="1.2.3"}': 1,
      'gpuvm_vm_info{vm="orin",bridge="interposed",backend="simulated",mode="enforce"}': 1,
    };
    for (const [name, value] of Object.entries(expected))
      expect([name, series.get(name)]).toEqual([name, value]);
  });

  it('have one state of all that there are', async () => {
    const series = await seriesOf();
    const states = [...series].filter(([name]) => name.startsWith('gpuvm_vm_state{'));
    expect(states.length).toBeGreaterThan(10);
    expect(states.filter(([, value]) => value === 1)).toEqual([
      ['gpuvm_vm_state{vm="orin",state="running"}', 1],
    ]);
  });

  it('have cumulative buckets that end in the count, one row for MRQs without a name', async () => {
    const series = await seriesOf();
    for (const [name, count] of series) {
      const labels = /^gpuvm_bpmp_transfer_duration_seconds_count\{(.*)\}$/.exec(name)?.[1];
      if (labels === undefined) continue;
      const bucket = `gpuvm_bpmp_transfer_duration_seconds_bucket{${labels},le="`;
      const buckets = [...series].filter(([other]) => other.startsWith(bucket)).map(([, value]) => value);
      expect(buckets.length).toBe(23);
      expect(buckets).toEqual(buckets.toSorted((a, b) => a - b));
      expect(buckets.at(-1)).toBe(count);
      expect(series.get(`gpuvm_bpmp_transfers_total{${labels}}`)).toBe(count);
      expect(series.get(`gpuvm_bpmp_transfer_duration_seconds_sum{${labels}}`)).toBeGreaterThan(0);
    }
    expect(series.get('gpuvm_bpmp_transfers_total{vm="orin",mrq="unknown",verdict="deny"}')).toBe(2);
    expect(series.get('gpuvm_bpmp_denials_total{vm="orin",kind="mrq",resource="other"}')).toBe(2);
  });

  it('have the labels that the catalogue says, and each of its metrics', async () => {
    const families = vmFamilies(await factsOf());
    expect(families.map(({ name }) => name)).toEqual(Object.keys(catalogue));
    for (const family of families) {
      const series = 'samples' in family ? family.samples : family.histograms;
      expect([family.name, series.length > 0]).toEqual([family.name, true]);
      for (const { labels } of series)
        expect([family.name, Object.keys(labels)]).toEqual([family.name, [...family.labels]]);
    }
  });

  it('are fewer where there is no bridge, or none that answers', async () => {
    const { bridge: _, ...silent } = await factsOf();
    const series = await seriesOf(Promise.resolve(silent));
    expect(series.get('gpuvm_bpmp_up{vm="orin"}')).toBe(0);
    expect([...series.keys()].filter((name) => name.startsWith('gpuvm_bpmp_'))).toEqual([
      'gpuvm_bpmp_up{vm="orin"}',
    ]);
    const { setting: __, qemu: ___, startedMs: ____, ...without } = silent;
    const names = [...(await seriesOf(Promise.resolve({ ...without, state: 'waiting' }))).keys()];
    expect(names.filter((name) => /_bpmp_|gpuvm_qemu|vm_start_time/.test(name))).toEqual([]);
    expect(names).toContain('gpuvm_vm_info{vm="orin",bridge="none",backend="none",mode="none"}');
  });

  it('stay few, whatever a guest makes up', async () => {
    const policy = parsePolicy('version: 1\nview: full\nlimit: none\n', { file: 'test.yaml' }).compile();
    const mediator = new Mediator({ vm: 'hostile', policy, backend: new SimulatedBpmp() });
    const tx = new Uint8Array(24);
    const view = new DataView(tx.buffer);
    for (let i = 0; i < 200_000; i++) {
      view.setUint32(0, Math.imul(i, 2_654_435_761) >>> 0, true);
      view.setUint32(4, i, true);
      void mediator.handle(i % 300, tx, new Uint8Array(24));
    }
    const facts = await factsOf();
    const bridge = {
      snapshot: { ...mediator.snapshot(), recordsDropped: 0 },
      latencies: mediator.latencies(),
      policy: { mode: 'enforce' },
    };
    const { body } = expose(vmFamilies({ ...facts, bridge }), 'prometheus');
    expect(body.length).toBeLessThan(1_000_000);
    expect(body.split('\n').length).toBeLessThan(6_000);
  });
});
