import type { Control, RequestHandler } from '../bridge.js';
import { DEVICE_PATH } from './device-path.js';

/** What a process passes on so that another can serve in its place; all of it stays its owner's. */
export interface HandOver {
  readonly listenerFd: number;
  /** The memory file with the calls that are under way. */
  readonly journalFd: number;
  /** Whether the filter was installed with WAIT_KILLABLE_RECV. */
  readonly waitKillable: boolean;
  /** Open memory of the guest's processes, as [process, descriptor]. */
  readonly memory: readonly (readonly [number, number])[];
}

interface CommonOptions {
  readonly handler: RequestHandler;
  readonly control: Control;
  /** The path whose opening is mediated; `/dev/bpmp-host`. */
  readonly devicePath?: string;
  /** Do without SYNC_WAKE_UP, as on a kernel before 6.6; the exec wrapper has a switch of the same name. */
  readonly oldKernel?: boolean;
  /** After this time a guest's request fails with ETIMEDOUT, whatever the backend still does; 30 s. */
  readonly deadlineMs?: number;
  /** So many requests may be with the backend at once; one more is answered -EAGAIN. 64. */
  readonly maxInFlight?: number;
  /** Is called when what `descriptors` returns has changed. */
  readonly onDescriptors?: () => void;
}

export type InterposedOptions = CommonOptions &
  (
    | {
        /** Our end of the socket over which the exec wrapper sends its listener; closed by the bridge. */
        readonly socketFd: number;
      }
    | {
        /** Everything that a former owner passed on; owned by the bridge from here on. */
        readonly takeOver: HandOver;
      }
  );

const defaults = { devicePath: DEVICE_PATH, oldKernel: false, deadlineMs: 30_000, maxInFlight: 64 };

export type Complete = InterposedOptions & typeof defaults;

export function withDefaults(options: InterposedOptions): Complete {
  // A property that is there and undefined must not hide a default.
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  return { ...defaults, ...(given as InterposedOptions) };
}
