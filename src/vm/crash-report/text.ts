import type { RecentDecision } from '../../bpmp/mediator/index.js';
import type { HistoryEvent } from '../history.js';
import type { CrashReport } from './report.js';

/** The report for people: what happened first, then what led to it. */
export function crashText(report: CrashReport): string {
  const { vm, ending, message, file, started, ended, restarts, qemu, rung, shutdown, host, undone } = report;
  const facts = [
    ['VM', `${vm} (${file})`],
    ['ending', ending],
    ['started', started],
    ['ended', ended],
    ['restarts before', String(restarts)],
    ...(qemu
      ? [['QEMU', qemu.signal ? `killed by ${qemu.signal}` : `status ${qemu.code ?? 'unknown'}`]]
      : []),
    ...(rung ? [['stop ladder', `down to ${rung}`]] : []),
    ...(shutdown ? [['last SHUTDOWN', `${shutdown.reason}, guest ${shutdown.guest}`]] : []),
    ['host', `Linux ${host.kernel}, Node ${host.node}, supervisor ${host.supervisorPid}`],
  ];
  const width = Math.max(...facts.map(([name]) => name!.length));
  return [
    `${vm}: ${message}`,
    '',
    ...facts.map(([name, value]) => `${name!.padEnd(width)}  ${value}`),
    ...section('Timeline', timelineLines(report)),
    ...section("The bridge's last decisions", report.decisions.map(decisionText)),
    ...section("QEMU's last words", report.stderr),
    ...section("The guest's console", report.console),
    ...section('Given back for the guest', guestLines(undone.guest)),
    ...section(
      'Put back on the host',
      undone.host && [...undone.host.undone, ...undone.host.failed.map((what) => `NOT: ${what}`)],
    ),
    '',
  ].join('\n');
}

function section(title: string, lines: readonly string[] | undefined): string[] {
  if (lines === undefined || lines.length === 0) return [];
  return ['', title, ...lines.map((line) => `  ${line}`)];
}

function timelineLines({ timeline, started }: CrashReport): string[] {
  const startMs = Date.parse(started);
  return timeline.map((entry) => {
    const afterMs = Date.parse(entry.time) - startMs;
    return `${`+${(afterMs / 1000).toFixed(3)} s`.padStart(12)}  ${eventText(entry)}`;
  });
}

function eventText({ event, time: _, ...fields }: HistoryEvent): string {
  if (event === 'state') return `state ${fields.state}`;
  if (event === 'monitor') return `${fields.name} ${JSON.stringify(fields.data)}`;
  const text = JSON.stringify(fields, (_key, value) => (typeof value === 'bigint' ? String(value) : value));
  return `${event} ${text.length > 160 ? `${text.slice(0, 160)}…` : text}`;
}

function decisionText({ time, request, verdict, ret, rule }: RecentDecision): string {
  return `${time}  ${verdict.padEnd(9)} ${ret}  ${request}  [${rule}]`;
}

function guestLines(release: CrashReport['undone']['guest']): string[] | undefined {
  return release?.entries.map(
    ({ resource, from, to, result, reason }) =>
      `${result.padEnd(10)} ${resource}: ${from} → ${to}${reason ? ` (${reason})` : ''}`,
  );
}
