import { type StateFolders, stateFolders } from '../../journal/index.js';
import type { Call } from '../command.js';

/** Whose devices a command is about, and where what it knows of them is kept. */
export interface Place {
  readonly sysroot: string;
  readonly folders: StateFolders;
}

export function placeOf({ options }: Call): Place {
  const text = (name: string) => (options[name] === undefined ? undefined : String(options[name]));
  const sysroot = text('sysroot') ?? '/';
  return { sysroot, folders: stateFolders({ stateDir: text('stateDir'), sysroot }) };
}
