import { NOBODY, type ProcessIdentity } from './identity.js';
import type { Earlier, Header, JournalRecord } from './record.js';
import type { ChildRecord, HostStep } from './step.js';

/** A journalled change and how far it came. */
export interface Entry {
  readonly id: string;
  readonly step?: HostStep;
  readonly child?: ChildRecord;
  readonly earlier: Earlier;
  /** False: it may have been made or not. */
  done: boolean;
  undone: boolean;
  /** It was to be left, and the journal has been active since. */
  settled: boolean;
}

/** What a journal says, made up from its records in their order. */
export class Contents {
  readonly header: Header;
  readonly entries: Entry[] = [];
  /** The process that the journal belongs to. */
  owner: ProcessIdentity;
  /** Why the changes stay although the owner is gone. */
  kept: string | undefined;
  /** Processes that made writes, each with the last entry that it was to write for. */
  readonly writers = new Map<string, { process: ProcessIdentity; entry: string }>();

  constructor(header: Header, records: readonly JournalRecord[] = []) {
    this.header = header;
    this.owner = { pid: header.pid, startTime: header.startTime };
    for (const record of records) this.add(record);
  }

  add(record: JournalRecord): void {
    if ('do' in record) {
      const { do: step, earlier = {} } = record;
      this.entries.push({ id: step.id, step, earlier, done: false, undone: false, settled: false });
      this.#wrote(record.writer, step.id);
    } else if ('child' in record) {
      const { child } = record;
      this.entries.push({ id: child.id, child, earlier: {}, done: true, undone: false, settled: false });
    } else if ('done' in record) this.#update(record.done, (entry) => (entry.done = true));
    else if ('undone' in record) this.#update(record.undone, (entry) => (entry.undone = true));
    else if ('undo' in record) this.#wrote(record.writer, record.undo);
    else if ('active' in record) {
      for (const entry of this.entries) if (entry.step?.restore === 'leave') entry.settled = true;
    } else if ('kept' in record) {
      this.kept = record.kept;
      this.owner = NOBODY;
    } else {
      this.owner = record.owner;
      this.kept = undefined;
    }
  }

  #update(id: string, change: (entry: Entry) => void): void {
    for (const entry of this.entries) if (entry.id === id) change(entry);
  }

  #wrote(process: ProcessIdentity | undefined, entry: string): void {
    if (process) this.writers.set(`${process.pid} ${process.startTime}`, { process, entry });
  }
}
