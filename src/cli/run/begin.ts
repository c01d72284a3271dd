import { readFileSync, statSync } from 'node:fs';
import { BridgeThread } from '../../bpmp/worker/thread.js';
import type { Call } from '../command.js';
import type { Context } from '../context.js';

let begun: BridgeThread | undefined;

/**
 * Begins the bridge's thread where a word of the command line is a VM file that looks as if it had a bridge: the thread
 * loads while everything else does. It does not keep the program from ending, should nobody want it.
 */
export function prepare(words: readonly string[]): void {
  if (words.some(looksBridged)) begun = new BridgeThread();
}

export async function run(call: Call, context: Context): Promise<number> {
  try {
    const { run: runVm } = await import('./command.js');
    return await runVm(call, context, begun);
  } finally {
    // One that has served is gone by now, and this changes nothing.
    begun?.abandon();
  }
}

/** A guess that costs a thread at the most; what the file really says is found out later. */
function looksBridged(word: string): boolean {
  if (word.startsWith('-')) return false;
  try {
    // What can be read once only is left to who needs it.
    if (!statSync(word).isFile()) return false;
    return /\bkind['"]?:\s*['"]?(vfio-user|ivc|interposed)\b/.test(readFileSync(word, 'utf8'));
  } catch {
    return false;
  }
}
