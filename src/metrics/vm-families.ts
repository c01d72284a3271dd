import { latencyBoundsNs } from '../bpmp/mediator/index.js';
import { mrqs } from '../bpmp/wire/index.js';
import { catalogue } from './catalogue.js';
import type { Family, HistogramSample, Labels, Sample } from './family.js';
import type { BridgeFacts, VmFacts } from './vm-facts.js';

const boundsSeconds = latencyBoundsNs.map((ns) => ns / 1e9);

/** All metrics of one VM and of the process that runs it. */
export function vmFamilies(facts: VmFacts): Family[] {
  const { vm, setting, bridge, qemu } = facts;
  const one = (value: number | undefined): Sample[] =>
    value === undefined ? [] : [{ labels: { vm }, value }];
  const values: Record<string, readonly Sample[]> = {
    gpuvm_build_info: [{ labels: { version: facts.version }, value: 1 }],
    gpuvm_vm_info: [
      {
        labels: {
          vm,
          bridge: setting?.bridge ?? 'none',
          backend: setting?.backend ?? 'none',
          mode: bridge?.policy.mode ?? 'none',
        },
        value: 1,
      },
    ],
    gpuvm_vm_state: facts.states.map((state) => ({
      labels: { vm, state },
      value: Number(state === facts.state),
    })),
    gpuvm_vm_restarts_total: one(facts.restarts),
    gpuvm_vm_start_time_seconds: one(facts.startedMs === undefined ? undefined : facts.startedMs / 1000),
    gpuvm_qemu_cpu_seconds_total: one(qemu?.cpuSeconds),
    gpuvm_qemu_resident_memory_bytes: one(qemu?.residentBytes),
    gpuvm_bpmp_up: one(setting && Number(bridge !== undefined)),
    ...(bridge && bridgeSamples(vm, bridge, one)),
    ...ownSamples(),
  };
  return Object.values(catalogue).map((info): Family => {
    if (info.type === 'histogram') return { ...info, histograms: bridge ? durations(vm, bridge) : [] };
    return { ...info, samples: values[info.name] ?? [] };
  });
}

function bridgeSamples(
  vm: string,
  { snapshot }: BridgeFacts,
  one: (value: number | undefined) => Sample[],
): Record<string, readonly Sample[]> {
  const { limit } = snapshot;
  return {
    gpuvm_bpmp_transfers_total: summed(
      snapshot.rows.map(({ mrq, verdict, latency: { count } }) => [{ vm, mrq: nameOf(mrq), verdict }, count]),
    ),
    gpuvm_bpmp_denials_total: summed(
      snapshot.denials.map(({ kind, resource, count }) => [{ vm, kind, resource }, count]),
    ),
    gpuvm_bpmp_hidden_total: one(snapshot.hidden),
    gpuvm_bpmp_backend_transfers_total: one(snapshot.forwarded),
    gpuvm_bpmp_held: snapshot.holdings.map(({ resource }) => ({
      labels: { vm, ...split(resource) },
      value: 1,
    })),
    gpuvm_bpmp_rate_limit_transfers_per_second: one(limit?.perSecond),
    gpuvm_bpmp_rate_limit_burst_transfers: one(limit?.burst),
    gpuvm_bpmp_rate_limit_balance_transfers: one(limit?.balance),
    gpuvm_bpmp_rate_limit_delayed_total: one(snapshot.delayed),
    gpuvm_bpmp_rate_limit_refused_total: one(snapshot.refused),
    gpuvm_bpmp_records_lost_total: one(snapshot.recordsDropped),
  };
}

/** The conventional metrics of a process, of this one. */
function ownSamples(): Record<string, readonly Sample[]> {
  const { user, system } = process.cpuUsage();
  const one = (value: number): Sample[] => [{ labels: {}, value }];
  return {
    process_cpu_seconds_total: one((user + system) / 1e6),
    process_resident_memory_bytes: one(process.memoryUsage.rss()),
    process_start_time_seconds: one(performance.timeOrigin / 1000),
  };
}

/** A request that took a bound to the nanosecond counts above it: a nanosecond's difference at most. */
function durations(vm: string, { latencies }: BridgeFacts): HistogramSample[] {
  const found = new Map<string, HistogramSample>();
  for (const { mrq, verdict, below, count, sumNs } of latencies) {
    const labels = { vm, mrq: nameOf(mrq), verdict };
    const key = JSON.stringify(labels);
    const before = found.get(key);
    found.set(key, {
      labels,
      bounds: boundsSeconds,
      counts: below.map((value, i) => value + (before?.counts[i] ?? 0)),
      count: count + (before?.count ?? 0),
      sum: sumNs / 1e9 + (before?.sum ?? 0),
    });
  }
  return [...found.values()];
}

/** Numbers that the ABI has no name for are one row, so that no guest makes more series than it has MRQs. */
function nameOf(mrq: number | 'unknown'): string {
  return (mrq !== 'unknown' && mrqs.get(mrq)?.name) || 'unknown';
}

/** `clock rate GPC0CLK`: no name has a space in it. */
function split(resource: string): { kind: string; resource: string } {
  const at = resource.lastIndexOf(' ');
  return { kind: resource.slice(0, at), resource: resource.slice(at + 1) };
}

/** One sample for each set of labels. */
function summed(rows: readonly (readonly [Labels, number])[]): Sample[] {
  const found = new Map<string, Sample>();
  for (const [labels, count] of rows) {
    const key = JSON.stringify(labels);
    found.set(key, { labels, value: count + (found.get(key)?.value ?? 0) });
  }
  return [...found.values()];
}
