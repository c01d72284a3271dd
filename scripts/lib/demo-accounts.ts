/** The demo's two accounts of the same requests, the guest's and the host's, and whether they agree. */

/** One request as the guest saw it (guest/bpmp-demo). */
export interface GuestStep {
  readonly step: number;
  readonly name: string;
  readonly mrq: number;
  /** The size that the guest claimed; above 512 there are no bytes to compare. */
  readonly size: number;
  /** The request's first bytes in hex. */
  readonly tx: string;
  readonly ret: number;
  readonly rxSize: number;
  readonly rx: string;
  /** Whether the guest got what it expected. */
  readonly expected: boolean;
}

/** One request as the host saw it. */
export interface HostTransfer {
  readonly mrq: number;
  readonly tx: string;
  readonly verdict: string;
  readonly ret: number;
  readonly rx: string;
  /** By name, as it was shown while it happened. */
  readonly text: string;
  readonly rule: string;
}

export interface HostRelease {
  readonly resource: string;
  readonly from: string;
  readonly to: string;
  readonly result: string;
}

export interface HostAccount {
  readonly transfers: readonly HostTransfer[];
  /** Newest change first, as it was given back; undefined where the host does not say. */
  readonly release: readonly HostRelease[] | undefined;
}

/** What the guest's requests must have led to on the host, in order. */
const verdicts = [
  ...Array<string>(10).fill('allow'),
  'absorb',
  'deny',
  'deny',
  'malformed',
  'malformed',
  'deny',
  'allow',
];

/** What the guest leaves on, in the order in which it must be given back. */
const leftOn = [
  'reset GPU',
  'clock rate GPC0CLK',
  'clock GPC1CLK',
  'clock GPC0CLK',
  'clock GPUSYS',
  'power domain GPU',
];

export interface Row {
  readonly guest: GuestStep | undefined;
  readonly host: HostTransfer | undefined;
  /** What is wrong with it. */
  readonly faults: readonly string[];
}

export interface Comparison {
  readonly rows: readonly Row[];
  readonly release: readonly HostRelease[];
  /** Everything that is wrong; empty for a demo that went well. */
  readonly faults: readonly string[];
}

const MARK = 'gpuvm-demo: ';

/** The guest's steps from its console, among whatever else it says. */
export function readConsole(text: string): GuestStep[] {
  const steps: GuestStep[] = [];
  for (const line of text.split(/\r?\n/)) {
    const at = line.indexOf(`${MARK}{"step"`);
    if (at >= 0) steps.push(JSON.parse(line.slice(at + MARK.length)) as GuestStep);
  }
  return steps;
}

/** The host's transfers and what it gave back, from the event file's lines. */
export function readEvents(text: string): HostAccount {
  const events = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { event: string } & Record<string, unknown>);
  const release = events.findLast(({ event }) => event === 'release');
  return {
    transfers: events.filter(({ event }) => event === 'transfer') as unknown as HostTransfer[],
    release: release?.entries as HostRelease[] | undefined,
  };
}

export function compare(guest: readonly GuestStep[], host: HostAccount): Comparison {
  const rows: Row[] = [];
  for (let i = 0; i < Math.max(guest.length, host.transfers.length, verdicts.length); i++) {
    const row = { guest: guest[i], host: host.transfers[i] };
    rows.push({ ...row, faults: faultsOf(row.guest, row.host, verdicts[i]) });
  }
  const release = host.release ?? [];
  const faults = rows.flatMap((row, i) => row.faults.map((fault) => `request ${i + 1}: ${fault}`));
  return { rows, release, faults: [...faults, ...releaseFaults(release)] };
}

function faultsOf(
  guest: GuestStep | undefined,
  host: HostTransfer | undefined,
  verdict: string | undefined,
): string[] {
  if (guest === undefined) return ['the guest does not know of it'];
  if (host === undefined) return ['the host does not know of it'];
  const faults: string[] = [];
  if (!guest.expected) faults.push('the guest did not get what it expected');
  if (host.verdict !== verdict) faults.push(`the host's verdict is ${host.verdict}, not ${verdict}`);
  if (guest.mrq !== host.mrq || !host.tx.startsWith(guest.tx)) faults.push('not the same request');
  if (guest.ret !== host.ret) faults.push(`the guest got ${guest.ret}, the host answered ${host.ret}`);
  if (guest.rxSize * 2 !== host.rx.length || !host.rx.startsWith(guest.rx)) faults.push('not the same reply');
  return faults;
}

function releaseFaults(release: readonly HostRelease[]): string[] {
  const faults = release
    .filter(({ result }) => result !== 'given-back')
    .map(({ resource, result }) => `${resource}: ${result}`);
  const given = release.map(({ resource }) => resource);
  if (given.join() !== leftOn.join()) {
    faults.push(`given back: ${given.join(', ') || 'nothing'}; expected: ${leftOn.join(', ')}`);
  }
  return faults;
}

/** Both accounts as one table for people, and the faults below. */
export function render({ rows, release, faults }: Comparison): string {
  const lines = [
    "Both accounts, the host's and the guest's:",
    `${'#'.padStart(4)}  ${'request'.padEnd(44)} ${'verdict'.padEnd(9)} ${'host'.padStart(4)} ${'guest'.padStart(5)}  rule`,
  ];
  rows.forEach(({ guest, host, faults: wrong }, i) => {
    const columns = [
      String(i + 1).padStart(4),
      ` ${cut(host?.text ?? guest?.name ?? '', 44)}`,
      (host?.verdict ?? '-').padEnd(9),
      String(host?.ret ?? '-').padStart(4),
      String(guest?.ret ?? '-').padStart(5),
      ` ${wrong.length > 0 ? `NOT AS EXPECTED: ${wrong.join('; ')}` : (host?.rule ?? '')}`,
    ];
    lines.push(columns.join(' '));
  });
  lines.push('');
  if (faults.length === 0) {
    lines.push(
      `${rows.length} requests: both accounts agree. ${release.length} things left on: all were given back.`,
    );
  } else {
    lines.push(...faults.map((fault) => `WRONG: ${fault}`));
  }
  return lines.join('\n');
}

function cut(text: string, width: number): string {
  return text.length <= width ? text.padEnd(width) : `${text.slice(0, width - 1)}…`;
}
