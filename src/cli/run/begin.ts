import { readFileSync } from 'node:fs';
import { BridgeThread } from '../../bpmp/worker/thread.js';
import type { Call } from '../command.js';
import type { Context } from '../context.js';

/**
 * Runs the command, with the bridge's thread begun beforehand where the VM file looks as if it had a bridge: the thread
 * loads while this one does, and reads the file.
 */
export async function run(call: Call, context: Context): Promise<number> {
  const thread = looksBridged(call.args[0]!) ? new BridgeThread() : undefined;
  try {
    const { run: runVm } = await import('./command.js');
    return await runVm(call, context, thread);
  } finally {
    // One that has served is gone by now, and this changes nothing.
    thread?.abandon();
  }
}

/** A guess that costs a thread at the most; what the file really says is found out later. */
function looksBridged(file: string): boolean {
  try {
    return /\bkind['"]?:\s*['"]?(vfio-user|ivc|interposed)\b/.test(readFileSync(file, 'utf8'));
  } catch {
    return false;
  }
}
