import { type ListedVm, listVms } from '../../control/index.js';
import type { Call } from '../command.js';
import { type Context, wantsColour } from '../context.js';
import { paintFor } from '../run/paint.js';
import { columns, durationText, totalsText } from './text.js';

export async function run(
  _call: Call,
  { stdout, stderr, json }: Context,
  env = process.env,
): Promise<number> {
  const { vms, barred } = await listVms(env);
  if (json) stdout.json(vms.map(documentOf));
  else if (vms.length > 0) {
    const [head, ...rows] = columns([HEAD, ...vms.map(rowOf)]);
    stdout.line(paintFor(wantsColour(stdout.stream)).bold(head!));
    for (const row of rows) stdout.line(row);
  } else if (barred.length === 0) stderr.line('gpuvm: no VM runs');
  for (const vm of vms) {
    if ('problem' in vm) stderr.line(`gpuvm: ${vm.problem.message}`);
  }
  for (const { message } of barred) stderr.line(`gpuvm: ${message}`);
  return 0;
}

const HEAD = ['NAME', 'STATE', 'PID', 'UP', 'RESTARTS', 'REQUESTS'];

function rowOf(vm: ListedVm): string[] {
  if ('problem' in vm) return [vm.name, stateOf(vm), '', '', '', ''];
  const { status } = vm;
  return [
    vm.name,
    status.state,
    status.pid === undefined ? '' : String(status.pid),
    status.uptimeMs === undefined ? '' : durationText(status.uptimeMs),
    String(status.restarts),
    totalsText(status),
  ];
}

function documentOf(vm: ListedVm): object {
  const { name, path } = vm;
  if (!('problem' in vm)) return { socket: path, ...vm.status };
  const { code, message } = vm.problem;
  return { name, socket: path, state: stateOf(vm), problem: { code, message } };
}

/** `stale` has no supervisor, `hidden` is not this user's, `silent` does not answer. */
function stateOf({ problem }: Extract<ListedVm, { problem: unknown }>): string {
  if (problem.code === 'GPUVM_VM_ABSENT') return 'stale';
  return problem.code === 'GPUVM_CONTROL_PERMISSION' ? 'hidden' : 'silent';
}
