import type { TransferRecord } from '../../../../bpmp/capture/index.js';
import type { LatencySpan } from '../../../../bpmp/mediator/index.js';
import { type Activity, Counts } from './activity.js';
import {
  type RefusalRow,
  type ResourceRow,
  type Row,
  refusalKey,
  resourceKey,
  type Seen,
  type Traffic,
} from './traffic.js';

/** Figures of one thing at one time; they stand still while the traffic goes on. */
export interface Figures {
  readonly count: number;
  readonly verdicts: Readonly<Record<TransferRecord['verdict'], number>>;
  /** Per second over the last 1, 10 and 60 s, or since the first transfer where that is less. */
  readonly rate1: number;
  readonly rate10: number;
  readonly rate60: number;
  /** Per second over everything, and the most in one second. */
  readonly mean: number;
  readonly peak: number;
  readonly p50Ns: number;
  readonly p90Ns: number;
  readonly p99Ns: number;
  readonly maxNs: number;
  readonly last: TransferRecord | undefined;
}

export interface Line extends Figures {
  readonly key: number | string;
  readonly title: string;
}

export interface RefusalLine extends Line {
  readonly verdict: TransferRecord['verdict'];
  readonly rule: string;
  readonly ret: number;
}

/** Everything that the screen shows of the traffic, at one time. */
export interface Summary {
  readonly nowMs: number;
  readonly firstMs: number | undefined;
  readonly lastMs: number | undefined;
  readonly all: Figures;
  /** Transfers of each of the last 60 whole seconds, the oldest first. */
  readonly history: readonly number[];
  readonly spans: readonly LatencySpan[];
  readonly hidden: number;
  readonly vms: readonly string[];
  readonly commands: readonly Line[];
  readonly resources: readonly Line[];
  readonly refusals: readonly RefusalLine[];
  /** What made room in a full table: rows, and the transfers that they had counted. */
  readonly evicted: Readonly<Record<'commands' | 'resources' | 'refusals', { rows: number; count: number }>>;
}

export function summarize(traffic: Traffic, nowMs: number): Summary {
  const since = traffic.firstMs ?? nowMs;
  const line = (row: Row): Line => ({
    key: row.key,
    title: row.title,
    ...figures(row.activity, since, nowMs),
  });
  const refusal = (row: RefusalRow): RefusalLine => ({
    ...line(row),
    verdict: row.verdict,
    rule: row.rule,
    ret: row.ret,
  });
  const { commands, resources, refusals } = traffic;
  return {
    nowMs,
    firstMs: traffic.firstMs,
    lastMs: traffic.lastMs,
    all: figures(traffic.all, since, nowMs),
    history: traffic.all.rolling.history(nowMs),
    spans: traffic.all.latency.spans(),
    hidden: traffic.hidden,
    vms: traffic.vms.entries().map(([vm]) => vm),
    commands: [...commands.rows].map(line),
    resources: [...resources.rows].map(line),
    refusals: [...refusals.rows].map(refusal),
    evicted: {
      commands: { ...commands.evicted },
      resources: { ...resources.evicted },
      refusals: { ...refusals.evicted },
    },
  };
}

function figures(activity: Activity, sinceMs: number, nowMs: number): Figures {
  const { count, verdicts, rolling, latency, last } = activity;
  const agesS = (nowMs - sinceMs) / 1000;
  // Over the time that there was, but never over so little that one transfer looks like a flood.
  const rate = (spanS: number) => (rolling.rate(nowMs, spanS) * spanS) / Math.min(spanS, Math.max(1, agesS));
  const { p50Ns, p99Ns, maxNs } = latency.summary();
  return {
    count,
    verdicts: { ...verdicts },
    rate1: rate(1),
    rate10: rate(10),
    rate60: rate(60),
    mean: count / Math.max(1, agesS),
    peak: rolling.peak,
    p50Ns,
    p90Ns: Math.round(latency.quantile(0.9)),
    p99Ns,
    maxNs,
    last,
  };
}

/** One command, resource or refusal, opened. */
export interface Opened extends Line {
  readonly pane: 'commands' | 'resources' | 'refusals';
  readonly history: readonly number[];
  readonly spans: readonly LatencySpan[];
  /** Who asked, and which rules decided, the most frequent first. */
  readonly askers: readonly (readonly [string, number])[];
  readonly rules: readonly (readonly [string, number])[];
  /** The last transfer of each command. */
  readonly lastByCommand: readonly TransferRecord[];
  /** Its transfers as far as they are kept, the newest first. */
  readonly transfers: readonly TransferRecord[];
}

/** What is known of one row; undefined once it has made room for others. */
export function open(
  traffic: Traffic,
  pane: Opened['pane'],
  key: number | string,
  nowMs: number,
): Opened | undefined {
  const row: Row | undefined = traffic[pane].get(key);
  if (row === undefined) return undefined;
  const { activity } = row;
  const seen = traffic.recent().filter(isOf(pane, key)).reverse();
  const resource = pane === 'resources' ? (row as ResourceRow) : undefined;
  return {
    pane,
    key,
    title: row.title,
    ...figures(activity, traffic.firstMs ?? nowMs, nowMs),
    history: activity.rolling.history(nowMs),
    spans: activity.latency.spans(),
    askers:
      resource?.askers.entries() ??
      counted(seen, ({ record: { vm, thread } }) => (thread ? `${vm}, thread ${thread}` : vm)),
    rules: resource?.rules.entries() ?? counted(seen, ({ record }) => record.rule),
    lastByCommand: resource ? [...resource.lastByCommand.values()] : activity.last ? [activity.last] : [],
    transfers: seen.map(({ record }) => record),
  };
}

/** Rows are made of what has the same identity, and so are their transfers found again. */
function isOf(pane: Opened['pane'], key: number | string): (seen: Seen) => boolean {
  if (pane === 'commands') return ({ identity }) => identity.commandKey === key;
  if (pane === 'resources')
    return ({ identity: { kind, id } }) => kind !== undefined && resourceKey(kind, id) === key;
  return (seen) => !seen.record.hidden && refusalKey(seen) === key;
}

function counted(seen: readonly Seen[], name: (seen: Seen) => string): [string, number][] {
  const counts = new Counts<string>(16);
  for (const one of seen) counts.add(name(one));
  return counts.entries();
}
