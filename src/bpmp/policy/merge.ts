import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isScalar,
  type Node,
  Pair,
  parseDocument,
  type Scalar,
  visit,
  YAMLMap,
} from 'yaml';
import { GpuvmError } from '../../errors.js';
import type { ChipNames, ResourceTable } from '../wire/index.js';
import type { Change } from './amendment.js';
import { findMrq } from './catalogue.js';
import { keepLines } from './line-diff.js';
import { readPolicy } from './parse.js';
import { quote } from './problems.js';
import { resourceKinds } from './resource-kind.js';
import { select } from './selector.js';

/**
 * Merges a fix, as `explain` gives it, into a policy's text: the lines that speak of the same thing are replaced, a
 * range that covers it is split around it, all else and the comments stay.
 * Throws GPUVM_POLICY where the text is no valid policy or the fix is not one.
 */
export function mergeFix(text: string, fix: string, file = 'policy'): string {
  const { chip } = readPolicy(text, file);
  return applyChanges(text, readFix(fix, chip), chip);
}

/** A comment for the line that a change makes, by the change. */
export type Comments = ReadonlyMap<Change, string>;

/** Sets lines in the text of a valid policy; the other lines stay as they are written. */
export function applyChanges(
  text: string,
  changes: Iterable<Change>,
  chip: ChipNames,
  comments: Comments = new Map(),
): string {
  return edit(text, (document, top) => {
    inlineAliases(document);
    for (const change of changes) {
      const section = sectionOf(document, top, change.section);
      // Within braces a comment takes a line of its own, and makes one of each.
      const comment = section.flow ? undefined : comments.get(change);
      setLine(document, section, change, tableOf(change.section, chip), comment);
    }
  });
}

/** Takes away what lines of a valid policy say of these; a section that loses its last line goes with it. */
export function removeLines(text: string, gone: Iterable<Omit<Change, 'value'>>, chip: ChipNames): string {
  return edit(text, (document, top) => {
    inlineAliases(document);
    for (const { section: name, id } of gone) {
      const pair = top.items.find(({ key }) => isScalar(key) && key.value === name);
      if (pair === undefined || !isMap(pair.value)) continue;
      const section = pair.value as YAMLMap;
      const table = tableOf(name, chip);
      section.items = section.items.flatMap((line) => {
        const ids = idsOf(line.key as Scalar, name, table);
        if (!ids.includes(id)) return [line];
        return ids.length > 1 ? split(document, line, ids, id, table!) : [];
      });
      if (section.items.length === 0) top.items = top.items.filter((each) => each !== pair);
    }
  });
}

/** The policy as it is to be used once it has learned: a mode that only watches becomes `enforce`, and `learn:` goes. */
export function withoutLearning(text: string): string {
  const enforced = text.replace(/^(["']?mode["']?[ \t]*:[ \t]*)(["']?)learn\2(?=\s|$)/m, '$1enforce');
  return edit(enforced, (_, top) => {
    top.items = top.items.filter(({ key }) => !(isScalar(key) && key.value === 'learn'));
  });
}

/** Changes a policy's document, and leaves every line as it was that the change has nothing to do with. */
function edit(text: string, change: (document: Document, top: YAMLMap) => void): string {
  const document = parseDocument(text, { uniqueKeys: false });
  const style = { lineWidth: 0, flowCollectionPadding: /\{ /.test(text) };
  const plain = document.toString(style);
  change(document, document.contents as unknown as YAMLMap);
  const changed = document.toString(style);
  if (changed !== plain) return keepLines(text, plain, changed);
  return text.endsWith('\n') ? text : `${text}\n`;
}

function tableOf(section: Change['section'], chip: ChipNames): ResourceTable | undefined {
  return resourceKinds.find((kind) => kind.section === section)?.table(chip);
}

function readFix(fix: string, chip: ChipNames): Change[] {
  const document = parseDocument(fix);
  const top: unknown = document.contents;
  const changes: Change[] = [];
  const refuse = (): never => {
    throw new GpuvmError('GPUVM_POLICY', `${quote(fix)} is no fix: it looks like "clocks: {GPC0CLK: use}"`);
  };
  if (document.errors.length > 0 || !isMap(top)) return refuse();
  for (const { key: section, value: lines } of top.items) {
    if (!isScalar(section) || !isMap(lines)) return refuse();
    const kind = resourceKinds.find((known) => known.section === section.value);
    for (const { key, value } of lines.items) {
      if (!isScalar(key)) return refuse();
      const word = String(key.value);
      const id =
        kind !== undefined
          ? kind.table(chip).idOf(word)
          : section.value === 'mrqs'
            ? findMrq(word)?.number
            : section.value === 'i2c'
              ? Number(word)
              : undefined;
      if (id === undefined) return refuse();
      const written = isCollection(value) || isScalar(value) ? document.createNode(value).toString() : '';
      changes.push({ section: section.value as Change['section'], key: word, value: written, id });
    }
  }
  return changes;
}

/** The mapping of a section, made where it is missing or empty. */
function sectionOf(document: Document, top: YAMLMap, name: string): YAMLMap {
  const pair = top.items.find(({ key }) => isScalar(key) && key.value === name);
  if (pair !== undefined && isMap(pair.value)) return pair.value as YAMLMap;
  const section = new YAMLMap(document.schema);
  if (pair === undefined) top.add(new Pair(document.createNode(name), section));
  else pair.value = section;
  return section;
}

function setLine(
  document: Document,
  section: YAMLMap,
  change: Change,
  table: ResourceTable | undefined,
  comment: string | undefined,
): void {
  const value = parseDocument(change.value).contents as Node;
  value.comment = comment ?? null;
  let done = false;
  const items: YAMLMap['items'] = [];
  for (const pair of section.items) {
    const ids = idsOf(pair.key as Scalar, change.section, table);
    if (!ids.includes(change.id)) items.push(pair);
    else if (ids.length > 1) items.push(...split(document, pair, ids, change.id, table!));
    else if (!done) {
      done = true;
      pair.value = value;
      items.push(pair);
    }
  }
  if (!done) items.push(new Pair(document.createNode(table ? change.key : keyFor(change)), value));
  section.items = items;
}

function keyFor({ section, key, id }: Change): string | number {
  return section === 'i2c' ? id : key;
}

function idsOf(key: Scalar, section: string, table: ResourceTable | undefined): readonly number[] {
  const word = String(key.value);
  if (table === undefined) {
    const id = section === 'mrqs' ? findMrq(word)?.number : Number(word);
    return id === undefined ? [] : [id];
  }
  const selection = select(word, table);
  return typeof selection === 'string' ? [] : selection.ids;
}

/** A range without one of its ids, as one range or two; the comments stay with the first. */
function split(
  document: Document,
  pair: YAMLMap['items'][number],
  ids: readonly number[],
  out: number,
  table: ResourceTable,
): YAMLMap['items'] {
  const pieces = [ids.filter((id) => id < out), ids.filter((id) => id > out)].filter(
    (piece) => piece.length > 0,
  );
  return pieces.map((piece, index) => {
    const first = table.nameOf(piece[0]!)!;
    const last = table.nameOf(piece.at(-1)!)!;
    const key = document.createNode(piece.length === 1 ? first : `${first}..${last}`) as Scalar;
    const value = index === 0 ? (pair.value as Node) : ((pair.value as Node).clone() as Node);
    if (index === 0) {
      key.commentBefore = (pair.key as Scalar).commentBefore ?? null;
      key.spaceBefore = (pair.key as Scalar).spaceBefore ?? false;
    } else {
      value.comment = null;
      value.commentBefore = null;
    }
    return new Pair(key, value);
  });
}

/** Replaces what an anchor's name stands for by a copy, so that a line can be changed without its namesakes. */
function inlineAliases(document: Document): void {
  visit(document, {
    Alias(_, alias) {
      const copy = alias.resolve(document)?.clone() as Node | undefined;
      return copy === undefined || isAlias(copy) ? undefined : copy;
    },
  });
  visit(document, {
    Node(_, node) {
      if (!isAlias(node)) node.anchor = undefined;
    },
  });
}
