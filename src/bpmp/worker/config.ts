import type { BackendConfig } from '../backend/index.js';
import type { NamedFd } from '../bridge/bridge.js';

export type { NamedFd };

/** Everything that one VM's worker thread is made from; plain data, as it crosses the thread's boundary. */
export interface BridgeConfig {
  /** The VM's name, for records and events. */
  readonly vm: string;
  /**
   * The policy's text, and the file's name for messages: the thread reads no file. `none` forwards everything and gives
   * nothing back: for programs of this host, never for a guest.
   */
  readonly policy: PolicyText | 'none';
  readonly backend: BackendConfig;
  /** What the guest's device tree names of the BPMP's, by id: seen by the guest, granted or not. */
  readonly named?: { readonly clocks: readonly number[]; readonly powerDomains: readonly number[] };
  readonly bridge: VfioUserConfig | IvcConfig | InterposedConfig;
  /**
   * A file that the ledger is written through to, so that what the guest holds can be given back when this process is no
   * more; its folder is made. What an earlier process left in it is given back first.
   */
  readonly ledgerFile?: string;
  /** Go on with a guest that another process has served, in the place of one that is to come. */
  readonly takeOver?: TakeOver;
  /** Tell every transfer by 'transfers' events; they are kept in the ring either way. */
  readonly record?: boolean;
}

export interface PolicyText {
  readonly file: string;
  readonly text: string;
}

/** Of a bridge whose requests a policy decides on. */
export type PolicedConfig = BridgeConfig & { readonly policy: PolicyText };

export interface TakeOver {
  /** What the former process's handle told last, or `handOver` returned; the bridge's from here on. */
  readonly fds: readonly NamedFd[];
  /** What `handOver` returned; absent where the former process was killed. */
  readonly state?: unknown;
}

export interface VfioUserConfig {
  readonly kind: 'vfio-user';
  /** The Unix socket that QEMU connects to. */
  readonly socketPath: string;
  /** One that listens there already, so that QEMU may be started meanwhile; the thread's from here on. */
  readonly listenerFd?: number;
  readonly layout: 'auto' | 'shared' | 'trapped';
  /** Guest-physical address of the window; the bridge's own where absent. */
  readonly guestAddress?: bigint;
  /** Serve one guest after another instead of ending with the first. */
  readonly keepListening?: boolean;
}

export interface IvcConfig {
  readonly kind: 'ivc';
  /** The Unix sockets that QEMU connects to, one for each device. */
  readonly sockets: { readonly hsp: string; readonly sram: string };
  readonly layout: 'auto' | 'shared' | 'trapped';
  /** Serve one guest after another instead of ending with the first. */
  readonly keepListening?: boolean;
}

export interface InterposedConfig {
  readonly kind: 'interposed';
  /** Our end of the socket over which the exec wrapper sends its listener; the thread closes it. Without use in a take-over. */
  readonly socketFd?: number;
  /** The path whose opening is mediated. */
  readonly devicePath?: string;
  /** Behave as on a kernel without WAIT_KILLABLE_RECV and SYNC_WAKE_UP, for tests. */
  readonly oldKernel?: boolean;
}
