import type { TransferRecord } from '../../../../bpmp/capture/index.js';
import { Activity, Counts } from './activity.js';
import { Bounded } from './bounded.js';
import { commandTitle, type Identity, identify, resourceName, resourceTitle } from './identity.js';

const MOST_COMMANDS = 256;
const MOST_RESOURCES = 1024;
const MOST_REFUSALS = 512;
/** Transfers that are kept whole, for what is opened and for a filter that is set later. */
export const RECENT = 4096;
const MOST_COMMANDS_OF_ONE = 16;
const MOST_ASKERS = 16;
const MOST_RULES = 16;

/** A line of one of the tables. */
export interface Row {
  readonly key: number | string;
  readonly title: string;
  readonly activity: Activity;
}

export interface CommandRow extends Row {
  readonly key: number;
}

export interface ResourceRow extends Row {
  readonly key: string;
  readonly id: number;
  readonly named: boolean;
  /** The last transfer of each command. */
  readonly lastByCommand: Map<number, TransferRecord>;
  readonly askers: Counts<string>;
  readonly rules: Counts<string>;
}

export interface RefusalRow extends Row {
  readonly key: string;
  readonly verdict: TransferRecord['verdict'];
  readonly rule: string;
  readonly ret: number;
}

/** A transfer with what it is about. */
export interface Seen {
  readonly record: TransferRecord;
  readonly identity: Identity;
}

/** All that is known of transfers, in bounded memory whatever they are. */
export class Traffic {
  readonly all = new Activity();
  readonly commands = new Bounded<CommandRow>(MOST_COMMANDS, worth, countOf);
  readonly resources = new Bounded<ResourceRow>(MOST_RESOURCES, worthOfResource, countOf);
  readonly refusals = new Bounded<RefusalRow>(MOST_REFUSALS, worth, countOf);
  readonly vms = new Counts<string>(8);
  /** Denied for asking about what the view hides: no offence, and in no list of refusals. */
  hidden = 0;
  /** The times of the first and of the latest transfer, in ms since 1970. */
  firstMs: number | undefined;
  lastMs: number | undefined;
  readonly #recent: Seen[] = [];
  #next = 0;

  add(record: TransferRecord): void {
    const atMs = Number(record.timeNs / 1_000_000n);
    this.firstMs = Math.min(this.firstMs ?? atMs, atMs);
    this.lastMs = Math.max(this.lastMs ?? atMs, atMs);
    const identity = identify(record.mrq, record.tx);
    this.#recent[this.#next] = { record, identity };
    this.#next = (this.#next + 1) % RECENT;
    this.vms.add(record.vm);
    this.all.add(record, atMs);
    this.#command(identity).activity.add(record, atMs);
    if (identity.kind !== undefined) this.#addResource(record, identity, atMs);
    if (record.hidden) this.hidden++;
    else if (record.verdict === 'deny' || record.verdict === 'malformed')
      this.#refusal(record, identity).activity.add(record, atMs);
  }

  /** What is kept whole, the oldest first. */
  recent(): Seen[] {
    return this.#recent.length < RECENT
      ? [...this.#recent]
      : [...this.#recent.slice(this.#next), ...this.#recent.slice(0, this.#next)];
  }

  #command(identity: Identity): CommandRow {
    const key = identity.commandKey;
    return (
      this.commands.get(key) ??
      this.commands.add(key, { key, title: commandTitle(identity), activity: new Activity() })
    );
  }

  #addResource(record: TransferRecord, { kind, id, commandKey }: Identity, atMs: number): void {
    const key = resourceKey(kind!, id);
    const row =
      this.resources.get(key) ??
      this.resources.add(key, {
        key,
        id,
        title: resourceTitle(kind!, id),
        named: resourceName(kind!, id) !== undefined,
        activity: new Activity(),
        lastByCommand: new Map(),
        askers: new Counts(MOST_ASKERS),
        rules: new Counts(MOST_RULES),
      });
    row.activity.add(record, atMs);
    row.askers.add(record.thread ? `${record.vm}, thread ${record.thread}` : record.vm);
    row.rules.add(record.rule);
    if (row.lastByCommand.size < MOST_COMMANDS_OF_ONE || row.lastByCommand.has(commandKey))
      row.lastByCommand.set(commandKey, record);
  }

  #refusal(record: TransferRecord, identity: Identity): RefusalRow {
    const { verdict, rule, ret } = record;
    const key = refusalKey({ record, identity });
    const title =
      identity.kind === undefined
        ? commandTitle(identity)
        : `${commandTitle(identity)} ${resourceName(identity.kind, identity.id) ?? identity.id}`;
    return (
      this.refusals.get(key) ??
      this.refusals.add(key, { key, title, verdict, rule, ret, activity: new Activity() })
    );
  }
}

export function resourceKey(kind: string, id: number): string {
  return `${kind} ${id}`;
}

/** The same request, refused for the same reason. */
export function refusalKey({ record: { verdict, ret, rule }, identity }: Seen): string {
  const about = identity.kind === undefined ? '' : resourceKey(identity.kind, identity.id);
  return `${verdict} ${ret} ${identity.commandKey} ${about} ${rule}`;
}

function countOf({ activity }: Row): number {
  return activity.count;
}

function worth(row: Row): number {
  return countOf(row);
}

/** What the chip has a name for never makes room for what a guest made up. */
function worthOfResource(row: ResourceRow): number {
  return countOf(row) + (row.named ? 2 ** 40 : 0);
}
