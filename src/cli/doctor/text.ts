import type { Finding } from '../../finding.js';

/** What the first word of an id stands for. */
export const subjects: Readonly<Record<string, string>> = {
  file: 'The VM file',
  kernel: 'The kernel',
  module: 'Modules',
  dev: 'Device nodes',
  memory: 'Memory',
  cpu: 'CPUs',
  vfio: 'Devices and VFIO',
  plan: 'The plan',
  qemu: 'QEMU',
  guest: 'The guest',
  gpuvm: 'gpuvm',
  systemd: 'systemd',
};

const colours = { ok: 32, warn: 33, fail: 31 } as const;

/** The findings for people, grouped by subject: one line each, with what mends it below. */
export function findingLines(
  findings: readonly Finding[],
  { colour, verbose }: { readonly colour: boolean; readonly verbose: boolean },
): string[] {
  const paint = (code: number, text: string) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  const width = Math.max(0, ...findings.map(({ id }) => id.length));
  const lines: string[] = [];
  let subject: string | undefined;
  for (const { id, status, what, evidence, fix } of findings) {
    const next = id.split('.', 1)[0]!;
    if (next !== subject) lines.push(...(lines.length > 0 ? [''] : []), paint(1, subjects[next] ?? next));
    subject = next;
    lines.push(`  ${paint(colours[status], status.padEnd(4))}  ${id.padEnd(width)}  ${what}`);
    const indent = ' '.repeat(8);
    if (status !== 'ok' || verbose) lines.push(`${indent}${paint(2, evidence)}`);
    if (status !== 'ok' && fix !== undefined) lines.push(`${indent}→ ${fix}`);
  }
  return lines;
}

/** `41 ok, 2 warnings, 1 failure` */
export function countLine(findings: readonly Finding[]): string {
  const count = (status: Finding['status']) => findings.filter((each) => each.status === status).length;
  const [warns, fails] = [count('warn'), count('fail')];
  return `${count('ok')} ok, ${warns} ${warns === 1 ? 'warning' : 'warnings'}, ${fails} ${fails === 1 ? 'failure' : 'failures'}`;
}
