import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import type { VmConfig } from '../config/index.js';
import { GpuvmError } from '../errors.js';

/** Who QEMU runs as. */
export interface QemuAccount {
  readonly name: string;
  readonly uid: number;
  /** The only group that it has. */
  readonly gid: number;
}

const GETENT_MS = 5_000;

/**
 * The account that the VM file gives QEMU; undefined where it runs as whoever runs gpuvm. Throws GPUVM_CONFIG where
 * there is none of that name, GPUVM_USAGE where only root could change to it.
 */
export async function qemuAccount({
  qemu: { user, group },
  file,
}: VmConfig): Promise<QemuAccount | undefined> {
  if (user === undefined && group === undefined) return undefined;
  const [uid, primary, name] = user === undefined ? own() : await lookUp('passwd', user, file);
  const gid = group === undefined ? primary : (await lookUp('group', group, file))[0];
  const isOwn = uid === process.geteuid?.() && gid === process.getegid?.();
  if (isOwn) return undefined;
  if (process.geteuid?.() !== 0) {
    throw new GpuvmError(
      'GPUVM_CONFIG',
      `qemu.user is ${name}: only root can run QEMU as somebody else; start gpuvm as root or as ${name}`,
      { place: { file } },
    );
  }
  return { name, uid, gid };
}

function own(): readonly [number, number, string] {
  const uid = process.geteuid?.() ?? 0;
  return [uid, process.getegid?.() ?? 0, String(uid)];
}

/** `[id, group, name]`; a group has its own id as its group. */
async function lookUp(
  database: 'passwd' | 'group',
  wanted: string,
  file: string,
): Promise<readonly [number, number, string]> {
  const entry =
    find(await readFile(`/etc/${database}`, 'utf8').catch(() => ''), wanted) ??
    // Accounts that come from elsewhere: LDAP, systemd's own.
    find(await getent(database, wanted), wanted);
  if (entry !== undefined) {
    const [name, , id, group] = entry.split(':');
    return [Number(id), Number(database === 'passwd' ? group : id), name!];
  }
  if (/^\d+$/.test(wanted)) return [Number(wanted), Number(wanted), wanted];
  const key = database === 'passwd' ? 'qemu.user' : 'qemu.group';
  throw new GpuvmError('GPUVM_CONFIG', `${key} is ${wanted}, which this host does not have`, {
    place: { file },
  });
}

function find(text: string, wanted: string): string | undefined {
  return text.split('\n').find((line) => {
    const [name, , id] = line.split(':');
    return name === wanted || id === wanted;
  });
}

function getent(database: string, wanted: string): Promise<string> {
  return new Promise((resolve) => {
    execFile('getent', [database, wanted], { timeout: GETENT_MS }, (_error, stdout) => resolve(stdout));
  });
}
