import type { WriterOptions } from '../writer.js';
import { type CaptureDisk, realDisk } from './disk.js';

export interface CaptureFileOptions extends WriterOptions {
  /** A file that would become larger is ended, and a new one begun. Without one it grows as long as it is written. */
  readonly limitBytes?: number;
  /** Older files that are kept beside the present one: 4 unless told. */
  readonly keep?: number;
  /** What was written is made to outlive a power cut so often: 1000 unless told; 0 is after every write. */
  readonly syncIntervalMs?: number;
  /** Permissions of the files: 0o600 unless told. */
  readonly mode?: number;
  /** After a disk refused, it is asked again so often: 1000 unless told. */
  readonly retryMs?: number;
  /** Memory that may wait for a slow disk: 8 MiB unless told. */
  readonly mostWaitingBytes?: number;
  /** One line for people: the disk refuses, or takes again. */
  readonly onProblem?: (message: string) => void;
  readonly disk?: CaptureDisk;
}

export interface CaptureCounts {
  /** In files, of this one and those before it. */
  readonly records: number;
  /** That did not come into any file. */
  readonly lost: number;
  readonly bytes: number;
  /** Files begun. */
  readonly files: number;
}

export type Settings = Required<Omit<CaptureFileOptions, keyof WriterOptions>>;

/** Each as it was told, or as it is unless told. */
export function settingsOf(options: CaptureFileOptions): Settings {
  return {
    limitBytes: options.limitBytes ?? Number.POSITIVE_INFINITY,
    keep: options.keep ?? 4,
    syncIntervalMs: options.syncIntervalMs ?? 1000,
    mode: options.mode ?? 0o600,
    retryMs: options.retryMs ?? 1000,
    mostWaitingBytes: options.mostWaitingBytes ?? 8 << 20,
    onProblem: options.onProblem ?? (() => undefined),
    disk: options.disk ?? realDisk,
  };
}
