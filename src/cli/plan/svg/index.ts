import type { MapKind, Plan } from '../../../vm/plan/index.js';
import { escapedXml } from '../../xml.js';
import { BAR_WIDTH, type Box, type DrawnPanel, geometryOf, type Label } from './geometry.js';
import { PANEL_HEIGHT } from './panels.js';

/** What each colour stands for, in light and in dark. */
const kinds: Readonly<Record<MapKind, readonly [meaning: string, light: string, dark: string]>> = {
  ram: ['RAM', '#7fb069', '#5c8a48'],
  bus: ['platform bus', '#dfe7ee', '#303a44'],
  'carve-out': ['carve-out, as on the host', '#f2a65a', '#b8742e'],
  device: ['device of the host', '#d1495b', '#b03a4b'],
  bridge: ["power firmware's window", '#7d5ba6', '#9575bd'],
  pci: ['PCI', '#6ba4d0', '#3f7199'],
  board: ["the machine's own", '#a8a29e', '#6b6560'],
};

const style = `
    text { font: 11px ui-monospace, 'DejaVu Sans Mono', monospace; fill: #1c1917; }
    .page { fill: #ffffff; } .title { font-size: 16px; font-weight: bold; } .head { font-weight: bold; }
    .bar { fill: none; stroke: #1c1917; } .line { stroke: #78716c; fill: none; stroke-width: .75; }
    .box { stroke: #1c1917; stroke-width: .5; }
    ${rules(1)}
    @media (prefers-color-scheme: dark) {
      text { fill: #f5f5f4; } .page { fill: #1c1917; } .bar, .box { stroke: #e7e5e4; } .line { stroke: #a8a29e; }
      ${rules(2)}
    }`;

function rules(at: 1 | 2): string {
  return Object.entries(kinds)
    .map(([kind, colours]) => `.${kind} { fill: ${colours[at]}; }`)
    .join(' ');
}

/** The guest's address space as an SVG document: the whole to scale, and its small parts to scales of their own. */
export function drawMemoryMap({ name, memoryMap }: Pick<Plan, 'name' | 'memoryMap'>): string {
  const { width, height, panels } = geometryOf(memoryMap);
  const used = (Object.keys(kinds) as MapKind[]).filter((kind) =>
    memoryMap.some((entry) => entry.kind === kind),
  );
  const title = `${name}: the guest's memory`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${number(Math.max(height, 84))}" viewBox="0 0 ${width} ${number(Math.max(height, 84))}" role="img">
  <title>${escapedXml(title)}</title>
  <style>${style}
  </style>
  <rect class="page" width="100%" height="100%"/>
  <text class="title" x="24" y="30">${escapedXml(title)}</text>
${used.map(legend).join('\n')}
${panels.map(panelXml).join('\n')}
</svg>
`;
}

/** Two rows of four. */
function legend(kind: MapKind, index: number): string {
  const x = 24 + (index % 4) * 240;
  const y = 44 + Math.floor(index / 4) * 18;
  return `  <rect class="box ${kind}" x="${x}" y="${y}" width="14" height="11"/><text x="${x + 20}" y="${y + 10}">${escapedXml(kinds[kind][0])}</text>`;
}

function panelXml({ title, scale, x, y, barX, barY, boxes, labels }: DrawnPanel): string {
  return `  <g class="panel">
    <text class="head" x="${x}" y="${number(y + 16)}">${escapedXml(title)}</text>
    <text x="${x}" y="${number(y + 32)}">${escapedXml(scale)}</text>
${boxes.map(boxXml).join('\n')}
    <rect class="bar" x="${barX}" y="${number(barY)}" width="${BAR_WIDTH}" height="${PANEL_HEIGHT}"/>
${labels.map(labelXml).join('\n')}
  </g>`;
}

function boxXml({ kind, title, x, y, width, height }: Box): string {
  return `    <rect class="box ${kind}" x="${x}" y="${number(y)}" width="${width}" height="${number(height)}"><title>${escapedXml(title)}</title></rect>`;
}

function labelXml({ text, title, x, y, fromX, fromY }: Label): string {
  const line = `${number(fromX)},${number(fromY)} ${number(fromX + 12)},${number(fromY)} ${number(x - 12)},${number(y)} ${number(x - 4)},${number(y)}`;
  return `    <polyline class="line" points="${line}"/><text x="${x}" y="${number(y + 4)}" xml:space="preserve">${escapedXml(text)}<title>${escapedXml(title)}</title></text>`;
}

/** Fine enough for any screen; a range may be thinner, and its frame is still to be seen. */
function number(value: number): string {
  return String(Number(value.toFixed(3)));
}
