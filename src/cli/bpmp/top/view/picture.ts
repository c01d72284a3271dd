import type { TransferRecord } from '../../../../bpmp/capture/index.js';
import type { Origin, VmFacts } from '../facts.js';
import type { Opened, Summary } from '../model/summary.js';
import type { Ui } from '../ui.js';

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** Everything that a screen is made of. */
export interface Picture {
  readonly ui: Ui;
  readonly origin: Origin;
  readonly facts: VmFacts | undefined;
  readonly summary: Summary;
  readonly opened: Opened | undefined;
  /** How the stream ended: a file's end, a VM's, or a mistake; undefined while it goes on. */
  readonly ended: string | undefined;
  /** What was said about the stream last: what was lost, what was damaged. */
  readonly notice: string | undefined;
  /** The line that would allow what was refused, where it is known. */
  fixOf(record: TransferRecord): string | undefined;
}

export function isLive({ origin, ended }: Pick<Picture, 'origin' | 'ended'>): boolean {
  return origin.kind === 'vm' && ended === undefined;
}
