import { ExitStatus } from '../errors.js';
import { type RecoveredJournal, recover, type UndoneStep } from '../journal/index.js';
import type { Call } from './command.js';
import type { Context } from './context.js';
import { placeOf } from './devices/place.js';
import { giveBack, holdingLines, leftLine, wouldGiveBack } from './holdings.js';

export async function run(call: Call, { stdout, stderr, json }: Context): Promise<number> {
  const { dryRun, vm, force } = call.options;
  const report = await recover({
    ...placeOf(call),
    dryRun: dryRun === true,
    ...(vm === undefined ? {} : { vm: String(vm) }),
    ...(force === undefined ? {} : { force: [String(force)] }),
  });
  const { journals } = report;
  const name = vm === undefined ? undefined : String(vm);
  // Another root's BPMP cannot be asked.
  const isHere = call.options.sysroot === undefined;
  const wanted = isHere && report.dryRun ? await wouldGiveBack(name) : [];
  // After the journals: they end a QEMU whose supervisor is gone, and only then does its guest hold nothing any more.
  const holdings = isHere && !report.dryRun ? await giveBack(name) : [];
  const sockets =
    isHere && !report.dryRun ? await (await import('../control/index.js')).clearSockets(name) : [];
  const left = holdings.filter(({ problem }) => problem !== undefined);
  const ok = report.ok && left.length === 0;
  if (json) stdout.json({ ...report, ok, holdings: report.dryRun ? wanted : holdings, sockets });
  else if (journals.length + holdings.length + wanted.length + sockets.length === 0)
    stderr.line('gpuvm: there is nothing to recover from');
  else {
    for (const journal of journals) for (const line of linesOf(journal, report.dryRun)) stdout.line(line);
    for (const one of wanted) stdout.line(leftLine(one));
    for (const one of holdings) for (const line of holdingLines(one)) stdout.line(line);
    for (const path of sockets) stdout.line(`removed: ${path}, which a supervisor left behind`);
  }
  if (ok) return 0;
  if (left.length > 0) return ExitStatus.OS;
  return journals.some(({ state }) => state === 'incomplete') ? ExitStatus.OS : ExitStatus.DATA;
}

function linesOf(journal: RecoveredJournal, dryRun: boolean): string[] {
  const { vm, state, why, rebooted, steps, file } = journal;
  const said: Readonly<Record<RecoveredJournal['state'], string>> = {
    recovered: dryRun ? 'would be put right' : 'put right',
    incomplete: dryRun ? 'could not all be put right' : `not all put right, and kept in ${file}`,
    alive: 'left alone',
    kept: `left alone: its changes are meant to stay (gpuvm recover --force ${vm})`,
    locked: 'left alone',
    busy: 'left alone',
    corrupt: 'cannot be read',
  };
  const boot = rebooted ? ' (the machine was booted since: what was in sysfs is gone with that)' : '';
  const reason = why === undefined ? '' : `: ${why}`;
  return [`${vm}: ${said[state]}${boot}${reason}`, ...steps.map((step) => `  ${stepLine(step)}`)];
}

const words: Readonly<Record<UndoneStep['outcome'], string>> = {
  undone: 'undone',
  nothing: 'was as before',
  obsolete: 'gone with the boot',
  left: 'left',
  failed: 'FAILED',
};

/** `undone: bind 17000000.gpu to vfio-platform` */
export function stepLine({ what, outcome, why }: UndoneStep): string {
  return `${words[outcome]}: ${what}${why === undefined ? '' : `: ${why}`}`;
}
