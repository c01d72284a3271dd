import type { OverlayBuilder, OverlayUse } from './overlay-builder.js';
import { printValue } from './print-value.js';
import { sourceName } from './source-names.js';
import type { TreeNode } from './tree.js';

export interface OverlayPrintOptions {
  /** What a property's numbers are called, put behind it as a comment. */
  readonly nameOf?: (node: TreeNode, property: string) => string | undefined;
  /** What is said of a node, put above it as a comment of so many lines. */
  readonly remarksOf?: (node: TreeNode) => readonly string[];
}

/**
 * An overlay as source, `/plugin/`, of which `dtc -@` makes the same blob as `writeTree` of `build()`, as long as the
 * overlay gives none of its nodes a phandle itself.
 */
export function printOverlay(
  overlay: OverlayBuilder,
  { nameOf, remarksOf }: OverlayPrintOptions = {},
): string {
  const labels = labelsFor(overlay);
  const paths = new Map(
    overlay.fragments.map(({ content }, index) => [content, `/fragment@${index}/__overlay__`]),
  );
  // How many cells belong to a reference only the node referred to says, so they go up to the next one.
  const written = ({ to, offset }: OverlayUse, index: number, all: readonly OverlayUse[]) => ({
    offset,
    cells: ((all[index + 1]?.offset ?? Number.MAX_SAFE_INTEGER) - offset) / 4 - 1,
    name: undefined,
    text: `&${'label' in to ? to.label : (labels.get(to)?.[0] ?? `{${pathOf(to, paths)}}`)}`,
  });
  const node = (each: TreeNode, name: string, depth: number): string => {
    const indent = '\t'.repeat(depth);
    const properties = [...each.properties].map(([property, value]) => {
      const said = nameOf?.(each, property);
      const behind = said === undefined ? '' : ` ${comment(said)}`;
      const key = `${indent}\t${sourceName(property, each.path)}`;
      if (value.length === 0) return `${key};${behind}`;
      return `${key} = ${printValue(value, overlay.usesIn(value).map(written))};${behind}`;
    });
    const children = [...each.children].map((child) =>
      node(child, sourceName(child.name, child.path), depth + 1),
    );
    const own = (labels.get(each) ?? []).map((label) => `${label}: `).join('');
    const blocks = [...(properties.length > 0 ? [properties.join('\n')] : []), ...children];
    const remarks = remarksOf?.(each) ?? [];
    const above = remarks.length > 0 ? `${indent}${comment(remarks.join(`\n${indent} * `))}\n` : '';
    return `${above}${indent}${own}${name} {\n${blocks.map((block) => `${block}\n`).join('\n')}${indent}};`;
  };
  const fragments = overlay.fragments.map(({ target, content }) =>
    node(content, 'label' in target ? `&${target.label}` : `&{${target.path}}`, 0),
  );
  return `/dts-v1/;\n/plugin/;\n${fragments.map((fragment) => `\n${fragment}\n`).join('')}`;
}

const comment = (text: string) => `/* ${text.replace(/\*\//g, '* /')} */`;

/** In the blob, where a fragment's content has a path: a label in its place would be offered to later overlays. */
function pathOf(node: TreeNode, fragments: ReadonlyMap<TreeNode, string>): string {
  const own = fragments.get(node);
  if (own !== undefined || node.parent === undefined) return own ?? '';
  return `${pathOf(node.parent, fragments)}/${node.name}`;
}

function labelsFor(overlay: OverlayBuilder): Map<TreeNode, string[]> {
  const found = new Map<TreeNode, string[]>();
  for (const [name, node] of overlay.labels) found.set(node, [...(found.get(node) ?? []), name]);
  return found;
}
