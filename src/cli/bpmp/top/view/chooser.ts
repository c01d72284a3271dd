import type { Choice, Ui } from '../ui.js';
import { type CellLine, span } from './cells.js';
import { table } from './table.js';

/** Running VMs, to choose one. */
export function chooserPane(choice: NonNullable<Ui['choice']>, width: number, height: number): CellLine[] {
  return [
    [span('Which VM?', 'section')],
    [],
    ...table<Choice>(
      [
        { head: 'VM', width: 20, align: 'left', cell: ({ name }) => span(name, 'bold') },
        { head: 'state', width: 12, align: 'left', cell: ({ state }) => state },
        {
          head: 'requests',
          width: 20,
          grows: true,
          align: 'left',
          cell: ({ detail }) => span(detail, 'faint'),
        },
      ],
      choice.vms,
      { width, height: height - 2, selected: choice.at, empty: 'no VM runs' },
    ),
  ];
}
