import { GpuvmError } from '../errors.js';
import type { ProcessIdentity } from './identity.js';
import type { ChildRecord, HostStep } from './step.js';

/** The first line of a journal. */
export interface Header extends ProcessIdentity {
  readonly journal: 'gpuvm';
  readonly version: 1;
  readonly vm: string;
  /** The boot that the changes belong to; empty where there is no procfs. */
  readonly boot: string;
  readonly time: string;
}

/** How a file or a node was before a step, which cannot be known when the step is planned. */
export interface Earlier {
  /** The content in base64; null where there was no file. */
  readonly content?: string | null;
  readonly uid?: number;
  readonly gid?: number;
  readonly mode?: number;
}

/** Each other line: one of these. */
export type JournalRecord =
  /** About to be made, by the process `writer` if that is not the journal's owner. */
  | { readonly do: HostStep; readonly earlier?: Earlier; readonly writer?: ProcessIdentity }
  | { readonly done: string }
  | { readonly undo: string; readonly writer?: ProcessIdentity }
  | { readonly undone: string }
  | { readonly child: ChildRecord }
  /** All that was planned is made: what is to be left is left from here on. */
  | { readonly active: true }
  /** The owner has gone and means the changes to stay until somebody takes the journal over. */
  | { readonly kept: string }
  | { readonly owner: ProcessIdentity };

const KEYS = ['do', 'done', 'undo', 'undone', 'child', 'active', 'kept', 'owner'];
const STEP_KINDS = ['write', 'file', 'owner'];

/** What a journal's text holds. */
export interface Lines {
  readonly header: Header | undefined;
  readonly records: readonly JournalRecord[];
  /** Bytes of the text that are whole records; what follows was torn off while it was written. */
  readonly wholeBytes: number;
}

export function formatRecord(record: Header | JournalRecord): string {
  return `${JSON.stringify(record)}\n`;
}

/**
 * Reads a journal. A last line without its end was being written when its writer died: what it announces was not done,
 * since nothing is done before its record is on the disk. After a power cut there may be zeros in the place of what was
 * written last, and whole lines behind them: none of those was flushed either, as a flush is of everything before it.
 * Throws GPUVM_JOURNAL with the line for anything else that is no record.
 */
export function parseJournal(file: string, bytes: Uint8Array): Lines {
  const text = Buffer.from(bytes);
  const records: JournalRecord[] = [];
  let header: Header | undefined;
  let at = 0;
  for (let line = 1; at < text.length; line++) {
    const end = text.indexOf(0x0a, at);
    if (end < 0) break;
    const record = parseLine(text.toString('utf8', at, end));
    const good = record !== undefined && (line === 1 ? isHeader(record) : isRecord(record));
    if (!good) {
      if (text.subarray(at, end).includes(0)) break;
      throw new GpuvmError('GPUVM_JOURNAL', `this is no ${line === 1 ? 'header' : 'record'} of a journal`, {
        place: { file, line },
      });
    }
    if (line === 1) header = record as unknown as Header;
    else records.push(record as unknown as JournalRecord);
    at = end + 1;
  }
  return { header, records, wholeBytes: at };
}

type Fields = Readonly<Record<string, unknown>>;

function parseLine(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Fields) : undefined;
  } catch {
    return undefined;
  }
}

function isHeader(fields: Fields): boolean {
  const { journal, version, vm, boot } = fields;
  if (journal === 'gpuvm' && version !== 1) return false;
  return journal === 'gpuvm' && typeof vm === 'string' && typeof boot === 'string' && isProcess(fields);
}

function isRecord(fields: Fields): boolean {
  const key = KEYS.find((known) => known in fields);
  const value = key && fields[key];
  if ('writer' in fields && !isProcess(fields.writer)) return false;
  if (key === 'do') return isStep(value);
  if (key === 'owner') return isProcess(value);
  if (key === 'child') return isProcess(value) && typeof (value as unknown as ChildRecord).id === 'string';
  return key === 'active' ? value === true : typeof value === 'string';
}

function isStep(value: unknown): boolean {
  const { id, what, path, kind } = (value ?? {}) as Fields;
  return [id, what, path].every((text) => typeof text === 'string') && STEP_KINDS.includes(String(kind));
}

function isProcess(value: unknown): value is ProcessIdentity {
  const { pid, startTime } = (value ?? {}) as Fields;
  return Number.isSafeInteger(pid) && Number.isSafeInteger(startTime);
}
