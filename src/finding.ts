/** What a check found out about the host: one fact, how it was seen, and what mends it. Plain data, as JSON holds it. */
export interface Finding {
  /** Stable, for programs: the check's name, and after a slash what it was made on: `vfio.group/17000000.gpu`. */
  readonly id: string;
  /** `warn`: it may work. `fail`: it will not. */
  readonly status: 'ok' | 'warn' | 'fail';
  /** One sentence for people, without a full stop. */
  readonly what: string;
  /** What was looked at and what was there: a path and its value, a link's target. */
  readonly evidence: string;
  /** The command, or the line of a file, that mends it. */
  readonly fix?: string;
  /** The host's device that it is about, as sysfs calls it. */
  readonly device?: string;
}

/** The worst of them; `ok` for none. */
export function worst(findings: readonly Finding[]): Finding['status'] {
  if (findings.some(({ status }) => status === 'fail')) return 'fail';
  return findings.some(({ status }) => status === 'warn') ? 'warn' : 'ok';
}
