import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { GpuvmError } from '../errors.js';

const GETENT_DEADLINE_MS = 5_000;

/** A line of group(5): name, password, number, members. */
function entryOf(line: string): { name: string; gid: number } | undefined {
  const [name, , gid] = line.split(':');
  return name && gid && /^\d+$/.test(gid) ? { name, gid: Number(gid) } : undefined;
}

/** The group that `key`, a name or a number, is of: from /etc/group, else from wherever this host keeps its groups. */
async function lookUp(key: string): Promise<{ name: string; gid: number } | undefined> {
  const local = (await readFile('/etc/group', 'utf8').catch(() => '')).split('\n').map(entryOf);
  const found = local.find((entry) => entry && (entry.name === key || String(entry.gid) === key));
  if (found) return found;
  const line = await new Promise<string>((resolve) => {
    execFile('getent', ['group', '--', key], { timeout: GETENT_DEADLINE_MS }, (_error, stdout) =>
      resolve(stdout),
    );
  });
  return entryOf(line.split('\n')[0]!);
}

/** The number of a group. Throws GPUVM_CONFIG where there is none of this name. */
export async function groupId(group: string | number): Promise<number> {
  if (typeof group === 'number' || /^\d+$/.test(group)) return Number(group);
  const entry = await lookUp(group);
  if (entry) return entry.gid;
  throw new GpuvmError(
    'GPUVM_CONFIG',
    `there is no group ${JSON.stringify(group)} on this host: make it (groupadd --system ${group}), or change control.group`,
  );
}

/** The name of a group by its number, or the number where it has none. */
export async function groupName(gid: number): Promise<string> {
  return (await lookUp(String(gid)))?.name ?? String(gid);
}
