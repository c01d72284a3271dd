import type { Deadlines } from './deadlines.js';
import type { Transcript } from './transcript.js';
import type { ArgsOf } from './types.js';

export interface ClientOptions {
  /** Those not given follow from `pinnedRamBytes`: see {@link deadlinesFor}. */
  readonly deadlines?: Partial<Deadlines> | undefined;
  /** How much of the host's RAM VFIO pins for this VM: all of the guest's, where a device is passed through. */
  readonly pinnedRamBytes?: number | bigint | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The longest line that is taken, 64 MiB unless told; to parse one takes several times its length. */
  readonly maxLineBytes?: number | undefined;
  /** Records what is said, both ways, without its secrets. */
  readonly transcript?: Transcript | undefined;
}

export interface ConnectOptions extends ClientOptions {
  /** The Unix socket that QEMU listens on; it need not be there yet. */
  readonly path: string;
  /** For all of it together; a step that has no deadline of its own may take as long. */
  readonly deadlineMs?: number | undefined;
  /** Asks for out-of-band commands where QEMU offers them. */
  readonly outOfBand?: boolean | undefined;
}

export interface AdoptOptions extends ClientOptions {
  /** A monitor's socket, connected, its greeting read and its capabilities taken. The client's from here on. */
  readonly fd: number;
  /** What `detach` gave. Without it the connection is synchronised anew, and what was in flight is lost. */
  readonly state?: unknown;
  /** Whether out-of-band commands were granted; needed only without a state. */
  readonly outOfBand?: boolean | undefined;
}

export interface ExecuteOptions {
  readonly deadlineMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Sends with exec-oob, ahead of commands that still run. */
  readonly outOfBand?: boolean | undefined;
  /** Descriptors that go along (`getfd`, `add-fd`); they stay the caller's, and open until the reply is there. */
  readonly fds?: readonly number[] | undefined;
}

/** `args` may be left out where the command needs none. */
export type ExecuteParameters<C extends string> =
  Record<never, never> extends ArgsOf<C>
    ? [args?: ArgsOf<C>, options?: ExecuteOptions]
    : [args: ArgsOf<C>, options?: ExecuteOptions];

/** A command that the connection's owner before this one had sent. */
export interface InheritedCommand {
  readonly id: number;
  readonly command: string;
  /** Settles as `execute` would have, without a deadline. */
  readonly reply: Promise<unknown>;
}
