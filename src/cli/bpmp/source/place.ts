import { stat } from 'node:fs/promises';
import type { ControlClient } from '../../../control/index.js';
import { GpuvmError } from '../../../errors.js';

export type Place =
  | { readonly kind: 'file'; readonly name: string }
  | { readonly kind: 'stdin' }
  | { readonly kind: 'vm'; readonly name: string; readonly client: ControlClient };

const CAPTURE = /\.pcap(ng)?$/;

/** What a word names: a file if it has a slash or the ending of a capture; else a VM, also by its VM file or its socket. */
export async function placeOf(word: string | undefined, env = process.env): Promise<Place> {
  if (word === undefined) return { kind: 'vm', ...(await onlyVm(env)) };
  if (word === '-') return { kind: 'stdin' };
  if (CAPTURE.test(word)) return { kind: 'file', name: word };
  if (!word.includes('/') || /\.(ya?ml|sock)$/.test(word)) return { kind: 'vm', ...(await vmOf(word, env)) };
  const isSocket = (await stat(word).catch(() => undefined))?.isSocket() === true;
  return isSocket ? { kind: 'vm', ...(await vmOf(word, env)) } : { kind: 'file', name: word };
}

async function vmOf(word: string, env: NodeJS.ProcessEnv): Promise<{ name: string; client: ControlClient }> {
  const { targetOf } = await import('../../control/target.js');
  try {
    return await targetOf(word, env);
  } catch (error) {
    const isFile = !word.includes('/') && (await stat(word).catch(() => undefined))?.isFile() === true;
    if (!isFile || !GpuvmError.is(error)) throw error;
    throw new GpuvmError(error.code, `${error.message}; for the file of that name, write ./${word}`, {
      cause: error,
    });
  }
}

async function onlyVm(env: NodeJS.ProcessEnv): Promise<{ name: string; client: ControlClient }> {
  const { findVm, listVms } = await import('../../../control/index.js');
  const { vms } = await listVms(env);
  const running = vms.filter((vm) => 'status' in vm).map(({ name }) => name);
  if (running.length === 1) return { name: running[0]!, client: await findVm(running[0]!, env) };
  const there = running.length === 0 ? 'no VM runs' : `${running.length} VMs run (${running.join(', ')})`;
  throw new GpuvmError(
    'GPUVM_USAGE',
    `${there}: name a VM that runs, a capture file, or - for standard input`,
  );
}
