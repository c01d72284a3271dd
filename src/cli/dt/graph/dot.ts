import { colours } from './colours.js';
import type { Graph } from './graph.js';

/** The graph in Graphviz's language: `gpuvm dt analyze … --dot | dot -Tsvg`. */
export function drawDot({ boxes, edges }: Graph, title: string): string {
  const lines = [
    'digraph host {',
    `  label=${quoted(title)}; labelloc=t; rankdir=LR; nodesep=0.1; ranksep=1.2;`,
    '  node [shape=box, style=filled, fontname="monospace", fontsize=10, height=0.25];',
    '  edge [arrowsize=0.5, fontname="monospace", fontsize=8, color="#78716c"];',
  ];
  for (const column of [0, 1, 2, 3]) {
    const inColumn = boxes.filter((box) => box.column === column);
    if (inColumn.length === 0) continue;
    lines.push('  { rank=same;');
    for (const { id, label, detail, kind } of inColumn) {
      const text = detail === undefined ? label : `${label}\n${detail}`;
      const style = kind === 'off' ? ', style="filled,dashed"' : '';
      lines.push(`    ${quoted(id)} [label=${quoted(text)}, fillcolor="${colours[kind][1]}"${style}];`);
    }
    lines.push('  }');
  }
  for (const { from, to, label, isFaint } of edges) {
    const attributes = [
      ...(label === undefined ? [] : [`label=${quoted(label)}`]),
      ...(isFaint ? ['style=dashed'] : []),
    ];
    lines.push(
      `  ${quoted(from)} -> ${quoted(to)}${attributes.length > 0 ? ` [${attributes.join(', ')}]` : ''};`,
    );
  }
  return [...lines, '}', ''].join('\n');
}

/** In a quoted text only the quote and the backslash mean something; a new line is a line's end. */
function quoted(text: string): string {
  const inner = text.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n');
  return `"${[...inner].map((letter) => (letter >= ' ' ? letter : '?')).join('')}"`;
}
