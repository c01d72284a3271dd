import { GpuvmError } from '../../errors.js';

/** A descriptor with the name that it has in systemd's store: it comes back under that name after a restart. */
export interface NamedDescriptor {
  /** 1 to 255 printable ASCII characters without ":". */
  readonly name: string;
  readonly fd: number;
}

/** What a service tells systemd, in the words of sd_notify(3). */
export interface Notification {
  /** The service is up: what waits for it may start. */
  readonly ready?: boolean;
  /** One line for `systemctl status`. */
  readonly status?: string;
  readonly stopping?: boolean;
  readonly reloading?: boolean;
  /** `true` feeds the watchdog; `'trigger'` has systemd act as if it had starved. */
  readonly watchdog?: boolean | 'trigger';
  /** The start, or the stop, that is under way takes at least this much longer, from now on. */
  readonly extendTimeoutMs?: number;
  readonly mainPid?: number;
  /** Why the service failed, as a positive errno. */
  readonly errno?: number;
  /** Kept by systemd, as duplicates, until the service is gone for good. */
  readonly fdStore?: readonly NamedDescriptor[];
  /** Names of descriptors that systemd is to close. */
  readonly fdStoreRemove?: readonly string[];
}

/** One datagram. */
export interface Datagram {
  readonly text: string;
  readonly fds: readonly number[];
}

/** systemd cuts a status nowhere, but `systemctl status` is for reading, and a guest may have a hand in it. */
const MAX_STATUS = 250;

const FD_NAME = /^[\x20-\x39\x3b-\x7e]{1,255}$/;

/** The datagrams that say this; a descriptor has one of its own, because a name holds for all that come with it. */
export function datagramsOf(notification: Notification): Datagram[] {
  const { ready, status, stopping, reloading, watchdog, extendTimeoutMs, mainPid, errno } = notification;
  const lines: string[] = [];
  if (reloading) lines.push('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`);
  if (ready) lines.push('READY=1');
  if (stopping) lines.push('STOPPING=1');
  if (status !== undefined) lines.push(`STATUS=${cleanStatus(status)}`);
  if (watchdog) lines.push(watchdog === 'trigger' ? 'WATCHDOG=trigger' : 'WATCHDOG=1');
  if (extendTimeoutMs !== undefined)
    lines.push(`EXTEND_TIMEOUT_USEC=${Math.max(1, Math.ceil(extendTimeoutMs * 1000))}`);
  if (mainPid !== undefined) lines.push(`MAINPID=${mainPid}`);
  if (errno !== undefined) lines.push(`ERRNO=${errno}`);

  const datagrams: Datagram[] = lines.length > 0 ? [{ text: lines.join('\n'), fds: [] }] : [];
  for (const name of notification.fdStoreRemove ?? []) {
    datagrams.push({ text: `FDSTOREREMOVE=1\nFDNAME=${checkName(name)}`, fds: [] });
  }
  for (const { name, fd } of notification.fdStore ?? []) {
    // Without FDPOLL=0 systemd drops a pipe or socket as soon as its other end is closed. Whether QEMU has ended is the
    // successor's to find out, from a set that is complete.
    datagrams.push({ text: `FDSTORE=1\nFDNAME=${checkName(name)}\nFDPOLL=0`, fds: [fd] });
  }
  return datagrams;
}

/** One line that holds nothing but what a terminal can show. */
export function cleanStatus(status: string): string {
  const line = status
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+/gu, ' ')
    .replace(/ {2,}/g, ' ')
    .trim();
  const characters = [...line];
  return characters.length <= MAX_STATUS ? line : `${characters.slice(0, MAX_STATUS - 1).join('')}…`;
}

function checkName(name: string): string {
  if (FD_NAME.test(name)) return name;
  throw new GpuvmError(
    'GPUVM_USAGE',
    `${JSON.stringify(name)} is no name for a stored descriptor: 1 to 255 printable ASCII characters without ":"`,
  );
}
