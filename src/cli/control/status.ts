import type { VmStatus } from '../../control/index.js';
import type { Call } from '../command.js';
import type { Context } from '../context.js';
import { targetOf } from './target.js';
import { columns, durationText, endingText, totalsText } from './text.js';

export async function run({ args: [word] }: Call, { stdout, json }: Context): Promise<number> {
  const { client } = await targetOf(word!);
  const status = await client.status();
  if (json) stdout.json({ socket: client.path, ...status });
  else for (const line of statusLines(status)) stdout.line(line);
  return 0;
}

/** A status for people: a sentence, and what there is to it. */
export function statusLines(status: VmStatus): string[] {
  const { name, state, since, pid, supervisorPid, uptimeMs, restarts, file, devices = [] } = status;
  const qemu = pid === undefined ? 'no QEMU' : `QEMU ${pid}`;
  const facts: readonly (readonly [string, string])[] = [
    ['since', since],
    ['up', uptimeMs === undefined ? '' : durationText(uptimeMs)],
    ['processes', `${qemu}, supervisor ${supervisorPid}`],
    ['restarts', String(restarts)],
    ['requests', totalsText(status)],
    ['devices', devices.join(', ')],
    ['last ending', endingText(status)],
    ['VM file', file ?? ''],
  ];
  const told = facts.filter(([, value]) => value !== '').map(([key, value]) => [`  ${key}`, value]);
  return [`${name}: ${state}`, ...columns(told)];
}
