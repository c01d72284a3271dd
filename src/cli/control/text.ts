import type { VmStatus } from '../../control/index.js';

/** `1 h 2 min`, `35 s`: two units at the most. */
export function durationText(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const units = [
    ['d', Math.floor(seconds / 86_400)],
    ['h', Math.floor(seconds / 3600) % 24],
    ['min', Math.floor(seconds / 60) % 60],
    ['s', seconds % 60],
  ] as const;
  const first = units.findIndex(([, count]) => count > 0);
  if (first < 0) return '0 s';
  return units
    .slice(first, first + 2)
    .filter(([, count]) => count > 0)
    .map(([unit, count]) => `${count} ${unit}`)
    .join(' ');
}

/** `11 allow, 3 deny`: the verdicts that occurred. */
export function totalsText({ bridge }: VmStatus): string {
  if (!bridge) return '';
  const counts = Object.entries(bridge.totals).filter(([, count]) => count > 0);
  return counts.length === 0 ? 'none' : counts.map(([verdict, count]) => `${count} ${verdict}`).join(', ');
}

/** How the last run ended, in the VM's own words. */
export function endingText({ ending }: VmStatus): string {
  if (ending === undefined) return '';
  return typeof ending === 'string' ? ending : (ending.message ?? ending.ending);
}

/** Rows in columns, the last of which may be as long as it likes. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
}
