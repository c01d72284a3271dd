import { formatQuantity } from '../../../../bpmp/wire/index.js';
import type { Holding } from '../facts.js';
import { type CellLine, fitText, span } from './cells.js';
import type { Picture } from './picture.js';
import { table } from './table.js';

/** What the VM has changed of the firmware's state and not put back. */
export function holdingsTable({ facts, origin, ui }: Picture, width: number, height: number): CellLine[] {
  const held = facts?.holdings;
  const rows = held ?? [];
  const first = ui.pane === 'holdings' ? Math.min(ui.scroll, Math.max(0, rows.length - (height - 1))) : 0;
  return table<Holding>(
    [
      { head: 'resource', width: 14, grows: true, align: 'left', cell: ({ resource }) => resource },
      { head: 'before', width: 10, keep: 1, cell: ({ before }) => span(valueText(before), 'faint') },
      { head: 'now', width: 10, cell: ({ now }) => valueText(now) },
    ],
    rows.slice(first),
    {
      width,
      height,
      title: held === undefined ? 'Holds' : `Holds ${rows.length}`,
      empty: held ? 'nothing' : origin.kind === 'file' ? 'known of a running VM only' : 'not told',
    },
  );
}

/** Rates as people write them. */
function valueText(value: string): string {
  const rate = /^(\d{1,15}) Hz$/.exec(value);
  return rate ? formatQuantity(Number(rate[1]), 'Hz') : value;
}

/** The pane of its own: what it means, too. */
export function holdingsPane(picture: Picture, width: number, height: number): CellLine[] {
  const { facts } = picture;
  const lines = holdingsTable(picture, width, height - 2);
  const waits =
    facts?.delayed || facts?.refused
      ? `rate limit: ${facts.delayed ?? 0} waited, ${facts.refused ?? 0} refused`
      : 'What the guest changed and did not put back; its end puts it back.';
  return [...lines, [], [span(fitText(waits, width), 'faint')]];
}
