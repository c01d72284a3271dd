import { stat } from 'node:fs/promises';
import { cloneTree, danglingReferences, removeNode, type Tree, writeTree } from '../../devicetree/index.js';
import { GpuvmError } from '../../errors.js';
import type { Call } from '../command.js';
import type { Context } from '../context.js';
import { differenceOf } from './difference.js';
import { locate, requireProperty } from './locate.js';
import { readTree } from './read-tree.js';
import { saveWhole } from './save.js';
import { valueFrom } from './source-value.js';

/** Changes a property, and says what has become of the tree. */
export async function run({ args, options }: Call, { stdout, stderr, json }: Context): Promise<number> {
  const [file, place, ...words] = args as [string, string, ...string[]];
  const output = options.output === undefined ? file : String(options.output);
  if (output === file && (await isFolder(file)))
    throw new GpuvmError(
      'GPUVM_USAGE',
      `${file} can only be read: say with -o where the changed tree is put`,
    );
  const tree = await readTree(file);
  const before = cloneTree(tree);
  if (options.delete === true) remove(tree, place, words);
  else change(tree, place, words);
  const dangled = new Set(danglingReferences(before).map(keyOf));
  const dangling = danglingReferences(tree).filter((each) => !dangled.has(keyOf(each)));
  await saveWhole(output, writeTree(tree));
  const difference = differenceOf(before, tree, false);
  if (json)
    stdout.json({
      output,
      changes: difference.json(),
      dangling: dangling.map(({ from, property, index }) => ({ path: from.path, property, index })),
    });
  else for (const line of difference.lines()) stdout.line(line);
  if (dangling.length > 0) {
    const places = new Set(dangling.map(({ from, property }) => `${from.path}:${property}`));
    stderr.line(`gpuvm: warning: what these refer to is no longer there: ${[...places].join(', ')}`);
  }
  return 0;
}

function change(tree: Tree, place: string, words: readonly string[]): void {
  const { node, property } = locate(tree, place);
  if (property === undefined)
    throw new GpuvmError('GPUVM_USAGE', `which property of ${node.path}? Give ${node.path}:PROPERTY`);
  // A value that was forgotten is not to cost the one that is there.
  if (words.length === 0 && (node.get(property)?.length ?? 0) > 0)
    throw new GpuvmError(
      'GPUVM_USAGE',
      `${node.path}:${property} has a value: give the one that it is to have, or '<>' for none`,
    );
  node.set(property, valueFrom(words, { tree, property }));
}

function remove(tree: Tree, place: string, words: readonly string[]): void {
  if (words.length > 0) throw new GpuvmError('GPUVM_USAGE', '--delete takes no value');
  const { node, property } = locate(tree, place);
  if (property !== undefined) {
    requireProperty(node, property);
    node.properties.delete(property);
  } else if (node.parent === undefined) {
    throw new GpuvmError('GPUVM_USAGE', 'the root cannot be deleted');
  } else removeNode(tree, node);
}

function keyOf({ from, property, offset }: ReturnType<typeof danglingReferences>[number]): string {
  return `${from.path}:${property}:${offset}`;
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
