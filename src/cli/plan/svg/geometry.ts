import type { MapEntry, MapKind } from '../../../vm/plan/index.js';
import { addressText, sizeText } from '../quantities.js';
import { LINE_HEIGHT, PANEL_HEIGHT, type Panel, panelsOf } from './panels.js';

/** Everything in pixels, y downwards: low addresses are at the top, as in a list. */
export interface Box {
  readonly kind: MapKind;
  readonly name: string;
  readonly title: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Label {
  readonly text: string;
  readonly title: string;
  readonly x: number;
  /** The text's baseline is a little below it. */
  readonly y: number;
  /** Where its line begins at the bar. */
  readonly fromX: number;
  readonly fromY: number;
}

export interface DrawnPanel {
  readonly title: string;
  readonly scale: string;
  readonly x: number;
  readonly y: number;
  readonly barX: number;
  readonly barY: number;
  /** The panel as a whole: its bar, or its names where they need more. */
  readonly height: number;
  readonly boxes: readonly Box[];
  readonly labels: readonly Label[];
}

export interface Drawing {
  readonly width: number;
  readonly height: number;
  readonly panels: readonly DrawnPanel[];
}

export const BAR_WIDTH = 110;
const COLUMNS = 2;
const PANEL_WIDTH = 500;
const MARGIN = 24;
/** Title and scale above a bar. */
const HEAD = 44;
/** Title and legend above everything. */
export const TOP = 84;
const INSET = 16;
const LABEL_X = BAR_WIDTH + 34;
const NAME_LENGTH = 27;

/** Where everything goes. */
export function geometryOf(map: readonly MapEntry[]): Drawing {
  const panels = panelsOf(map);
  const drawn: DrawnPanel[] = [];
  let y = TOP;
  for (let at = 0; at < panels.length; at += COLUMNS) {
    const row = panels
      .slice(at, at + COLUMNS)
      .map((panel, column) => drawPanel(panel, MARGIN + column * PANEL_WIDTH, y));
    drawn.push(...row);
    y += Math.max(...row.map(({ height }) => height)) + MARGIN;
  }
  return { width: MARGIN + COLUMNS * PANEL_WIDTH, height: y, panels: drawn };
}

function drawPanel(panel: Panel, x: number, y: number): DrawnPanel {
  const { letter, from, size, entries, clusters } = panel;
  const barY = y + HEAD;
  const pixels = (bytes: bigint) => (Number(bytes) / Number(size)) * PANEL_HEIGHT;
  const clip = ({ address, size: length }: MapEntry) => {
    const start = within(address, panel);
    const last = within(address + length, panel);
    return { top: barY + pixels(start - from), height: pixels(last - start) };
  };
  const boxes = entries.map((entry): Box => {
    const { top, height } = clip(entry);
    const inset = entry.inside ? INSET : 0;
    const { name, kind } = entry;
    return { name, kind, title: fullText(entry), x: x + inset, y: top, width: BAR_WIDTH - 2 * inset, height };
  });
  const hidden = new Set(clusters.flatMap((cluster) => cluster.entries));
  const wanted = [
    ...entries
      .filter((entry) => !hidden.has(entry) && (entries.length === 1 || !surrounds(entry, panel)))
      .map((entry) => {
        const { top, height } = clip(entry);
        return { text: shortText(entry), title: fullText(entry), at: top + height / 2 };
      }),
    ...clusters.map((cluster) => ({
      text: `${cluster.entries.length} ranges${cluster.letter ? `: see ${cluster.letter}` : ''}`,
      title: cluster.entries.map(fullText).join('\n'),
      at: barY + pixels(cluster.from - from) + pixels(cluster.size) / 2,
    })),
  ];
  const labels = spread(wanted, barY).map(({ text, title, at, y: labelY }) => ({
    text,
    title,
    x: x + LABEL_X,
    y: labelY,
    fromX: x + BAR_WIDTH,
    fromY: at,
  }));
  const lowest = Math.max(barY + PANEL_HEIGHT, ...labels.map((label) => label.y + LINE_HEIGHT / 2));
  return {
    title: `${letter}: ${addressText(from)} to ${addressText(from + size - 1n)}, ${sizeText(size)}`,
    scale: `1 pixel = ${perPixel(size)}`,
    x,
    y,
    barX: x,
    barY,
    height: lowest - y,
    boxes,
    labels,
  };
}

/** The nearest place in the panel. */
function within(address: bigint, { from, size }: Panel): bigint {
  if (address < from) return from;
  return address > from + size ? from + size : address;
}

/** What the panel lies inside of is named where it can be seen to begin and to end. */
function surrounds({ address, size }: MapEntry, panel: Panel): boolean {
  return address <= panel.from && address + size >= panel.from + panel.size;
}

interface Wanted {
  readonly text: string;
  readonly title: string;
  readonly at: number;
}

/** Each name as near to its range as the others let it: a line apart, the first not above the bar. */
function spread(wanted: readonly Wanted[], top: number): (Wanted & { y: number })[] {
  const sorted = wanted.toSorted((a, b) => a.at - b.at);
  const bottom = Math.max(top + PANEL_HEIGHT, top + sorted.length * LINE_HEIGHT);
  let free = top + LINE_HEIGHT / 2;
  const placed = sorted.map((each) => {
    const y = Math.max(each.at, free);
    free = y + LINE_HEIGHT;
    return { ...each, y };
  });
  let limit = bottom - LINE_HEIGHT / 2;
  for (const each of placed.toReversed()) {
    each.y = Math.min(each.y, limit);
    limit = each.y - LINE_HEIGHT;
  }
  return placed;
}

function shortText(entry: MapEntry): string {
  const { name, address, size } = entry;
  const short = name.length > NAME_LENGTH ? `${name.slice(0, NAME_LENGTH - 1)}…` : name;
  return `${short}  ${addressText(address)}  ${sizeText(size)}`;
}

function fullText({ name, address, size }: MapEntry): string {
  return `${name}: ${addressText(address)} to ${addressText(address + size - 1n)}, ${sizeText(size)}`;
}

function perPixel(size: bigint): string {
  let value = Number(size) / PANEL_HEIGHT;
  let unit = 0;
  const units = ['bytes', 'KiB', 'MiB', 'GiB'];
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${value.toPrecision(3)} ${units[unit]}`;
}
