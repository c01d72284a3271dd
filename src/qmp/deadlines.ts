/** What a timer can wait at most; a longer deadline, Infinity for one, is none. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** How long each step may take, in ms. */
export interface Deadlines {
  /** For somebody to listen on the socket, from the call on. */
  readonly connectMs: number;
  /** From then on, for the greeting and the capabilities. */
  readonly greetingMs: number;
  /** For the reply to a command, where `execute` is not told otherwise. */
  readonly commandMs: number;
}

const BASE: Deadlines = { connectMs: 10_000, greetingMs: 10_000, commandMs: 30_000 };
const GIB = 2 ** 30;
const MS_PER_PINNED_GIB = 2_000;

/**
 * The time that QEMU takes to map so much of the guest's RAM for a device, in ms: 2 s for each GiB, which are 262,144 pages
 * of 4 KiB, each to be zeroed, pinned and entered in the IOMMU's tables. To touch them alone took 0.1 s a GiB in a virtual
 * machine whose memory was at hand, and 2.2 s in one whose hypervisor had to find it first; with the base on top there is
 * room for either. With hugepages it is quicker; a deadline that is too long costs nothing but time in a case that is
 * lost anyway.
 */
export function pinningMs(pinnedRamBytes: number | bigint): number {
  return Math.ceil(Number(pinnedRamBytes) / GIB) * MS_PER_PINNED_GIB;
}

/**
 * The deadlines of one connection: those that are given as they are, the others 10 s, 10 s and 30 s, of which the
 * greeting's and the commands' grow by what pinning takes.
 *
 * QEMU listens before it makes its devices and answers after, so the connection comes at once and the greeting waits
 * until all of the guest's RAM is mapped for the device. A command that adds or removes such a device maps or unmaps as
 * much, and every other one waits behind it.
 */
export function deadlinesFor(
  given: { readonly [Step in keyof Deadlines]?: number | undefined } = {},
  pinnedRamBytes: number | bigint = 0,
): Deadlines {
  const extraMs = pinningMs(pinnedRamBytes);
  return {
    connectMs: given.connectMs ?? BASE.connectMs,
    greetingMs: given.greetingMs ?? BASE.greetingMs + extraMs,
    commandMs: given.commandMs ?? BASE.commandMs + extraMs,
  };
}
