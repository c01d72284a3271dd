import type { NamedFd } from '../bridge.js';
import type { HandOver } from './options.js';

// Whether the filter was installed with WAIT_KILLABLE_RECV is told by the listener's name: nothing else need be kept.
const LISTENER = 'listener';
const LISTENER_KILLABLE = 'listener.killable';
const CALLS = 'calls';
const MEMORY = 'memory.';

export function toDescriptors({ listenerFd, journalFd, waitKillable, memory }: HandOver): NamedFd[] {
  return [
    { name: waitKillable ? LISTENER_KILLABLE : LISTENER, fd: listenerFd },
    { name: CALLS, fd: journalFd },
    ...memory.map(([process, fd]) => ({ name: `${MEMORY}${process}`, fd })),
  ];
}

/** What a former bridge passed on, or undefined where something is missing. Other names are nobody's here. */
export function fromDescriptors(fds: readonly NamedFd[]): HandOver | undefined {
  const find = (wanted: string) => fds.find(({ name }) => name === wanted)?.fd;
  const killable = find(LISTENER_KILLABLE);
  const listenerFd = killable ?? find(LISTENER);
  const journalFd = find(CALLS);
  if (listenerFd === undefined || journalFd === undefined) return undefined;
  const memory = fds
    .filter(({ name }) => name.startsWith(MEMORY))
    .map(({ name, fd }) => [Number(name.slice(MEMORY.length)), fd] as const);
  return { listenerFd, journalFd, waitKillable: killable !== undefined, memory };
}
