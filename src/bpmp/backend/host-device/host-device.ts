import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import { addon } from '../../../native/index.js';
import { type Backend, MAX_PAYLOAD, type Outcome } from '../backend.js';
import { Frame } from './frame.js';
import { openDevice } from './open.js';
import { describeRefusal } from './refusal.js';
import { type Counters, FORM, finish, newCounters } from './result.js';
import { DeviceThread } from './thread.js';

export interface HostDeviceOptions {
  /**
   * Make each transfer on the calling thread, and answer without a promise. For a bridge whose own thread may block;
   * a transfer that hangs then hangs that thread.
   */
  readonly blocking?: boolean;
}

/** Counters for people and tests. */
export interface HostDeviceStats {
  readonly transfers: number;
  /** How requests reach the driver: unknown until the first. */
  readonly form: 'unknown' | 'ioctl' | 'write';
  /** Transfers that the driver refused, by errno: "EPERM". */
  readonly errors: Readonly<Record<string, number>>;
  readonly pending: number;
}

/** More than this waiting for a device that hangs is refused, -EBUSY. */
const MAX_PENDING = 256;

/**
 * The host kernel's BPMP proxy, `/dev/bpmp-host`: one transfer is a 48-byte message handed to the driver, by an
 * ioctl where it has one and by write(2) where not. A transfer blocks for as long as the firmware takes, so it is
 * made on a thread that belongs to this device alone: one that hangs keeps nobody else waiting.
 *
 * Where the driver refuses, the outcome's `ret` is its negative errno; the firmware's own errors come through as
 * they are.
 */
export class HostDevice implements Backend {
  private readonly counters: Counters = newCounters();
  private readonly result = new Int32Array(4);
  private closed = false;

  /** Throws GPUVM_HOST_DEVICE where the device cannot be opened. */
  static open(path: string, options: HostDeviceOptions = {}): HostDevice {
    // The addon first: if it is missing, nothing is left open.
    const native = addon();
    const fd = openDevice(path);
    if (options.blocking) return new HostDevice(path, fd, undefined);
    try {
      return new HostDevice(path, undefined, new DeviceThread(native.hostDeviceServe(fd)));
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  private constructor(
    readonly name: string,
    private readonly fd: number | undefined,
    private readonly thread: DeviceThread | undefined,
  ) {}

  transfer(mrq: number, tx: Uint8Array, rx: Uint8Array): Outcome | Promise<Outcome> {
    if (this.closed) return { ret: -constants.errno.ENODEV, rxSize: 0 };
    if (tx.length > MAX_PAYLOAD || rx.length > MAX_PAYLOAD)
      return { ret: -constants.errno.EINVAL, rxSize: 0 };
    const frame = new Frame(mrq, tx);
    if (this.fd !== undefined) {
      addon().hostDeviceTransfer(this.fd, mrq, frame.tx, rx, this.result);
      return frame.trim(finish(this.result, rx.length, this.counters), rx);
    }
    if (this.thread!.pending >= MAX_PENDING) return { ret: -constants.errno.EBUSY, rxSize: 0 };
    return this.thread!.transfer(mrq, frame.tx, rx, this.counters).then((outcome) => frame.trim(outcome, rx));
  }

  stats(): HostDeviceStats {
    const { transfers, form, errors } = this.counters;
    const formName = form === FORM.WRITE ? 'write' : form === FORM.IOCTL ? 'ioctl' : 'unknown';
    return { transfers, form: formName, errors: { ...errors }, pending: this.thread?.pending ?? 0 };
  }

  /** Why the last transfer was not the firmware's to answer, as one line; undefined where it was. */
  refusal(): string | undefined {
    const { lastError } = this.counters;
    return lastError === undefined ? undefined : describeRefusal(this.name, lastError);
  }

  /**
   * Does not wait: what is in flight is answered -ENODEV, and the thread goes, and the device is closed, when the
   * driver returns.
   */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    if (this.fd !== undefined) closeSync(this.fd);
    this.thread?.close();
  }
}
