import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { GpuvmError } from '../errors.js';
import { nearest } from '../nearest.js';
import { groupName } from './groups.js';
import { nameOfSocket } from './path.js';
import { namesIn } from './sockets.js';

/** Why a control socket cannot be reached, in one line with what to do. */
export async function unreachable(path: string, cause: NodeJS.ErrnoException): Promise<GpuvmError> {
  const name = nameOfSocket(basename(path)) ?? path;
  switch (cause.code) {
    case 'ENOENT':
      return absent(name, await namesIn([dirname(path)]));
    case 'ECONNREFUSED':
      return stale(name, path, cause);
    case 'EACCES':
      return new GpuvmError('GPUVM_CONTROL_PERMISSION', await notForYou(path), { cause, details: { path } });
    case 'ECONNRESET':
    case 'EPIPE':
      return new GpuvmError('GPUVM_CONTROL', `the connection to ${name} was lost: its supervisor ended`, {
        cause,
        details: { path },
      });
    default:
      return new GpuvmError('GPUVM_CONTROL', `${path} cannot be used: ${cause.message}`, { cause });
  }
}

/** A VM whose supervisor is dead: it left its socket, and perhaps more. */
export function stale(name: string, path: string, cause?: unknown): GpuvmError {
  return new GpuvmError(
    'GPUVM_VM_ABSENT',
    `${name} does not run: its supervisor died and left ${path} behind; "gpuvm recover" puts the host right`,
    { cause, details: { name, path, stale: true } },
  );
}

/** No VM of this name, with the nearest of those that there are. */
export function absent(name: string, known: readonly string[]): GpuvmError {
  const meant = nearest(
    name,
    known.filter((other) => other !== name),
  );
  const there = known.length === 0 ? ', nor any other' : `: there are ${known.join(', ')}`;
  return new GpuvmError(
    'GPUVM_VM_ABSENT',
    `no VM ${name} runs${meant ? `: did you mean ${meant}?` : there}`,
    {
      details: { name, ...(meant ? { nearest: meant } : {}) },
    },
  );
}

async function notForYou(path: string): Promise<string> {
  // Where the folder bars the way already, its group is the one that is missing.
  const socket = await stat(path).then(({ gid, mode }) => ({ gid, opens: (mode & 0o020) !== 0 }), nothing);
  const folder = await stat(dirname(path)).then(
    ({ gid, mode }) => ({ gid, opens: (mode & 0o010) !== 0 }),
    nothing,
  );
  const bar = socket ?? folder;
  const group = bar?.opens ? await groupName(bar.gid) : undefined;
  if (group === undefined) return `${path} is not for this user: ask its owner, or use sudo`;
  if (group === 'root') return `${path} is for root alone: use sudo, or set control.group in the VM file`;
  return `${path} is for root and the group ${group}: use sudo, or join it (usermod -aG ${group} NAME, then log in again)`;
}

/** Why the VMs of a folder cannot be listed. */
export async function unreachableFolder(folder: string): Promise<GpuvmError> {
  const path = join(folder, '*.sock');
  return new GpuvmError('GPUVM_CONTROL_PERMISSION', await notForYou(path), { details: { path: folder } });
}

function nothing(): undefined {
  return undefined;
}
