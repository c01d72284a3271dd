import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { addon, type Readiness, Ready } from '../native/index.js';

/** How a process ended: one of the two is set, or neither where only its parent could know. */
export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Whether a process is still there, and the way to end it, without ever hitting another that got its pid. */
export interface Life {
  readonly isRunning: boolean;
  /** Settles when the process is gone; never rejects. */
  readonly gone: Promise<ProcessExit>;
  signal(signal: NodeJS.Signals): void;
  /** Looks no longer: the process is somebody else's. */
  letGo(): void;
}

/** Until Node has reaped a child its pid cannot be anybody else's. */
export function lifeOfChild(child: ChildProcess): Life {
  const life: Life = {
    get isRunning() {
      return child.exitCode === null && child.signalCode === null;
    },
    gone: once(child, 'exit').then(([code, signal]) => ({ code, signal })),
    signal(signal) {
      if (life.isRunning) child.kill(signal);
    },
    letGo: () => child.unref(),
  };
  return life;
}

/**
 * A process that another one has started, by its pidfd, which stays the caller's. That it is gone can be seen; how it ended, only
 * its parent is told.
 */
export function lifeOfStranger(pidfd: number): Life {
  let isRunning = true;
  let watch: Readiness | undefined;
  const letGo = () => {
    watch?.close();
    watch = undefined;
  };
  const gone = new Promise<ProcessExit>((resolve) => {
    watch = new (addon().Readiness)(pidfd, () => {
      isRunning = false;
      letGo();
      resolve({ code: null, signal: null });
    });
    watch.watch(Ready.READABLE);
  });
  return {
    get isRunning() {
      return isRunning;
    },
    gone,
    signal(signal) {
      if (!isRunning) return;
      try {
        addon().pidfdSendSignal(pidfd, constants.signals[signal]);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    },
    letGo,
  };
}
