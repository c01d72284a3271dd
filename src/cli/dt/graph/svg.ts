import { escapedXml } from '../../xml.js';
import { colours } from './colours.js';
import type { BoxKind, Column, Graph } from './graph.js';
import { BOX_HEIGHT, headings, type Layout, layOut, type PlacedBox } from './layout.js';

const style = `
    text { font: 11px ui-monospace, 'DejaVu Sans Mono', monospace; fill: #1c1917; }
    .page { fill: #ffffff; } .title { font-size: 16px; font-weight: bold; } .head { font-weight: bold; }
    .box { stroke: #57534e; stroke-width: .75; } .faint { stroke-dasharray: 3 3; }
    .edge { stroke: #78716c; fill: none; stroke-width: 1; }
    .edge.both { stroke: #b45309; } .quiet { fill: #57534e; }
    ${fills(1)}
    @media (prefers-color-scheme: dark) {
      text { fill: #f5f5f4; } .page { fill: #1c1917; } .box { stroke: #d6d3d1; } .edge { stroke: #a8a29e; }
      .edge.both { stroke: #f59e0b; } .quiet { fill: #d6d3d1; }
      ${fills(2)}
    }`;

function fills(at: 1 | 2): string {
  return Object.entries(colours)
    .map(([kind, each]) => `.${kind} { fill: ${each[at]}; }`)
    .join(' ');
}

/** The graph as an SVG document, in four columns. */
export function drawSvg(graph: Graph, title: string): string {
  const layout = layOut(graph);
  const { width, height, boxes } = layout;
  const size = `width="${number(width)}" height="${number(height)}" viewBox="0 0 ${number(width)} ${number(height)}"`;
  const kinds = (Object.keys(colours) as BoxKind[]).filter((kind) =>
    graph.boxes.some((box) => box.kind === kind),
  );
  return `<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img">
  <title>${escapedXml(title)}</title>
  <style>${style}
  </style>
  <rect class="page" width="100%" height="100%"/>
  <text class="title" x="24" y="30">${escapedXml(title)}</text>
${kinds.map(legend).join('\n')}
${headingsOf(layout).join('\n')}
${graph.edges.map(({ from, to, label, isFaint }) => edgeXml(boxes.get(from)!, boxes.get(to)!, label, isFaint)).join('\n')}
${[...boxes.values()].map(boxXml).join('\n')}
</svg>
`;
}

/** Rows of four. */
function legend(kind: BoxKind, index: number): string {
  const x = 24 + (index % 4) * 232;
  const y = 42 + Math.floor(index / 4) * 17;
  return `  <rect class="box ${kind}${faint(kind)}" x="${x}" y="${y}" width="14" height="11"/><text x="${x + 20}" y="${y + 10}">${escapedXml(colours[kind][0])}</text>`;
}

function headingsOf({ boxes }: Layout): string[] {
  const seen = new Map<Column, PlacedBox>();
  for (const box of boxes.values()) if (!seen.has(box.column)) seen.set(box.column, box);
  return [...seen].map(
    ([column, { x }]) => `  <text class="head" x="${number(x)}" y="114">${headings[column]}</text>`,
  );
}

function boxXml({ label, detail, kind, x, y, width }: PlacedBox): string {
  const more = detail === undefined ? '' : `<tspan class="quiet">  ${escapedXml(detail)}</tspan>`;
  return `  <rect class="box ${kind}${faint(kind)}" x="${number(x)}" y="${number(y)}" width="${number(width)}" height="${BOX_HEIGHT}" rx="3"/><text x="${number(x + 7)}" y="${number(y + 14)}" xml:space="preserve">${escapedXml(label)}${more}</text>`;
}

/** From the side of one box to the near side of the other; within a column, around its right side. */
function edgeXml(from: PlacedBox, to: PlacedBox, label: string | undefined, isFaint: boolean): string {
  const isForth = from.x <= to.x;
  const isSame = from.x === to.x;
  const x1 = isForth ? from.x + from.width : from.x;
  const x2 = isSame ? to.x + to.width : isForth ? to.x : to.x + to.width;
  const y1 = from.y + BOX_HEIGHT / 2;
  const y2 = to.y + BOX_HEIGHT / 2;
  const bend = isSame ? 40 : Math.abs(x2 - x1) / 2;
  const bend1 = isForth ? x1 + bend : x1 - bend;
  const bend2 = isSame ? x2 + bend : isForth ? x2 - bend : x2 + bend;
  const both = from.kind === 'shared' || to.kind === 'shared' ? ' both' : '';
  const title = [from.label, label, to.label].filter((each) => each !== undefined).join(' – ');
  const path = `M${number(x1)} ${number(y1)} C${number(bend1)} ${number(y1)} ${number(bend2)} ${number(y2)} ${number(x2)} ${number(y2)}`;
  return `  <path class="edge${both}${isFaint ? ' faint' : ''}" d="${path}"><title>${escapedXml(title)}</title></path>`;
}

function faint(kind: BoxKind): string {
  return kind === 'off' ? ' faint' : '';
}

function number(value: number): string {
  return String(Number(value.toFixed(2)));
}
