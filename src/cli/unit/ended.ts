import { GpuvmError } from '../../errors.js';
import { endLeftovers, judgeAftermath, type Leftover, unitState } from '../../host/systemd/index.js';
import { recover, stateFolders } from '../../journal/index.js';
import type { Call } from '../command.js';
import type { Context } from '../context.js';
import { giveBack, holdingLines } from '../holdings.js';

/** A unit file's last word on a supervisor: what it left behind goes on with the next one, or is ended and undone. */
export async function run({ args: [unit], options }: Call, context: Context): Promise<number> {
  const { stdout, stderr, json } = context;
  const state = await unitState(unit!);
  const end = {
    result: process.env.SERVICE_RESULT ?? 'success',
    exitStatus: process.env.EXIT_STATUS ?? '0',
  };
  const aftermath = options.givenUp
    ? { leave: false, why: 'the service was given up' }
    : judgeAftermath(end, state);
  if (aftermath.leave) {
    if (json) stdout.json({ ok: true, ...aftermath });
    stderr.line(`gpuvm: ${unit}: ${aftermath.why}`);
    return 0;
  }
  const { found, left } = await endLeftovers(state.controlGroup);
  if (found.length > 0) stderr.line(`gpuvm: ${unit}: ${aftermath.why}; ended ${list(found)}`);
  if (left.length > 0) {
    throw new GpuvmError(
      'GPUVM_QEMU_EXIT',
      `${list(left)} cannot be ended, not even by SIGKILL, so the host's devices cannot go back: see dmesg`,
    );
  }
  const vm = options.vm === undefined ? undefined : String(options.vm);
  const report = await recover({ folders: stateFolders(), ...(vm === undefined ? {} : { vm }) });
  const holdings = await giveBack(vm);
  for (const one of holdings) for (const line of holdingLines(one)) stderr.line(`gpuvm: ${line}`);
  const undone = report.journals.flatMap(({ steps }) => steps).length;
  if (undone > 0) stderr.line(`gpuvm: ${unit}: ${undone} changes to the host taken back`);
  if (json) stdout.json({ ok: report.ok, ...aftermath, ended: found, recovered: report });
  if (report.ok) return 0;
  const why = report.journals.flatMap((journal) => journal.why ?? []).join('; ');
  throw new GpuvmError('GPUVM_FILE', `not all of the host could be put right: ${why || 'see gpuvm recover'}`);
}

function list(processes: readonly Leftover[]): string {
  return processes.map(({ pid, name }) => `${name} (${pid})`).join(', ');
}
