import type { MetricInfo } from './family.js';

function metric(
  name: string,
  type: MetricInfo['type'],
  labels: readonly string[],
  help: string,
): readonly [string, MetricInfo] {
  return [name, { name, type, labels, help }];
}

/** Every metric, in the order in which they are written; docs/metrics.md and the dashboard are held to this table. */
export const catalogue = Object.fromEntries([
  metric('gpuvm_build_info', 'gauge', ['version'], 'Always 1; the version of gpuvm that runs the VM.'),
  metric(
    'gpuvm_vm_info',
    'gauge',
    ['vm', 'bridge', 'backend', 'mode'],
    'Always 1; how the BPMP reaches the guest, what answers it, and the mode of its policy.',
  ),
  metric('gpuvm_vm_state', 'gauge', ['vm', 'state'], '1 of the state that the VM is in, 0 of the others.'),
  metric('gpuvm_vm_restarts_total', 'counter', ['vm'], 'How often QEMU was started after its first start.'),
  metric(
    'gpuvm_vm_start_time_seconds',
    'gauge',
    ['vm'],
    "QEMU's last start, in seconds since 1970; absent while there is none.",
  ),
  metric(
    'gpuvm_qemu_cpu_seconds_total',
    'counter',
    ['vm'],
    "CPU time of QEMU's process, of user and system.",
  ),
  metric('gpuvm_qemu_resident_memory_bytes', 'gauge', ['vm'], "Resident memory of QEMU's process."),
  metric('gpuvm_bpmp_up', 'gauge', ['vm'], '1 while the bridge serves the guest and answers us, else 0.'),
  metric(
    'gpuvm_bpmp_transfers_total',
    'counter',
    ['vm', 'mrq', 'verdict'],
    "The guest's requests since the bridge began.",
  ),
  metric(
    'gpuvm_bpmp_transfer_duration_seconds',
    'histogram',
    ['vm', 'mrq', 'verdict'],
    "From a request's arrival to its answer, waits for the rate limit included.",
  ),
  metric(
    'gpuvm_bpmp_denials_total',
    'counter',
    ['vm', 'kind', 'resource'],
    'Requests that the policy denied, by what they asked for; all that chip and ABI do not have is "other".',
  ),
  metric(
    'gpuvm_bpmp_hidden_total',
    'counter',
    ['vm'],
    'Requests about what the view hides, which are denied too.',
  ),
  metric(
    'gpuvm_bpmp_backend_transfers_total',
    'counter',
    ['vm'],
    "Transfers that reached the BPMP, the mediator's own questions included.",
  ),
  metric(
    'gpuvm_bpmp_held',
    'gauge',
    ['vm', 'kind', 'resource'],
    '1 of what the guest changed and has not put back.',
  ),
  metric(
    'gpuvm_bpmp_rate_limit_transfers_per_second',
    'gauge',
    ['vm'],
    'How many requests a second the rate limit lets through; absent where there is none.',
  ),
  metric(
    'gpuvm_bpmp_rate_limit_burst_transfers',
    'gauge',
    ['vm'],
    'How many requests the rate limit lets through at once.',
  ),
  metric(
    'gpuvm_bpmp_rate_limit_balance_transfers',
    'gauge',
    ['vm'],
    'How many it would let through at once now; below 0 where requests wait.',
  ),
  metric(
    'gpuvm_bpmp_rate_limit_delayed_total',
    'counter',
    ['vm'],
    'Requests that waited for the rate limit.',
  ),
  metric(
    'gpuvm_bpmp_rate_limit_refused_total',
    'counter',
    ['vm'],
    'Requests that the rate limit refused, with -EAGAIN.',
  ),
  metric(
    'gpuvm_bpmp_records_lost_total',
    'counter',
    ['vm'],
    'Records of transfers that were lost because nobody kept up with them.',
  ),
  metric('process_cpu_seconds_total', 'counter', [], "CPU time of the supervisor's process."),
  metric('process_resident_memory_bytes', 'gauge', [], "Resident memory of the supervisor's process."),
  metric('process_start_time_seconds', 'gauge', [], "The supervisor's start, in seconds since 1970."),
]);
