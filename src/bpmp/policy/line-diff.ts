/** One line of the one text, the other, or both. */
export interface LineEdit {
  readonly kind: ' ' | '-' | '+';
  readonly text: string;
}

/** A table of more entries than this is not made: what lies between equal ends is then told as replaced. */
const MAX_TABLE = 4_000_000;
const CONTEXT = 3;

/** The lines of a text; one without a newline at its end has the same lines as one with it. */
export function linesOf(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

/** What turns one list of lines into another, with as few changes as can be; what goes comes before what comes. */
export function editsBetween(before: readonly string[], after: readonly string[]): LineEdit[] {
  let start = 0;
  while (start < before.length && before[start] === after[start] && start < after.length) start++;
  let beforeEnd = before.length;
  let afterEnd = after.length;
  while (beforeEnd > start && afterEnd > start && before[beforeEnd - 1] === after[afterEnd - 1]) {
    beforeEnd--;
    afterEnd--;
  }
  const same = (text: string): LineEdit => ({ kind: ' ', text });
  return [
    ...before.slice(0, start).map(same),
    ...middle(before.slice(start, beforeEnd), after.slice(start, afterEnd)),
    ...before.slice(beforeEnd).map(same),
  ];
}

function middle(before: readonly string[], after: readonly string[]): LineEdit[] {
  const gone = (text: string): LineEdit => ({ kind: '-', text });
  const come = (text: string): LineEdit => ({ kind: '+', text });
  const width = after.length + 1;
  if (before.length * after.length > MAX_TABLE) return [...before.map(gone), ...after.map(come)];
  // By place: the longest run of common lines of what follows.
  const common = new Uint16Array((before.length + 1) * width);
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      const at = i * width + j;
      common[at] =
        before[i] === after[j] ? common[at + width + 1]! + 1 : Math.max(common[at + width]!, common[at + 1]!);
    }
  }
  const edits: LineEdit[] = [];
  let i = 0;
  let j = 0;
  while (i < before.length || j < after.length) {
    if (i < before.length && j < after.length && before[i] === after[j]) {
      edits.push({ kind: ' ', text: before[i]! });
      i++;
      j++;
    } else if (
      i < before.length &&
      (j === after.length || common[(i + 1) * width + j]! >= common[i * width + j + 1]!)
    ) {
      edits.push(gone(before[i++]!));
    } else edits.push(come(after[j++]!));
  }
  return edits;
}

/** Two texts' difference as `diff -u` prints it and `patch` takes it; '' where there is none. */
export function unifiedDiff(
  before: string,
  after: string,
  names: { readonly before: string; readonly after: string },
): string {
  const edits = editsBetween(linesOf(before), linesOf(after));
  const hunks: string[] = [];
  let oldLine = 1;
  let newLine = 1;
  for (let at = 0; at < edits.length; ) {
    if (edits[at]!.kind === ' ') {
      at++;
      oldLine++;
      newLine++;
      continue;
    }
    const first = Math.max(0, at - CONTEXT);
    const end = endOfHunk(edits, at);
    const part = edits.slice(first, end);
    const lead = at - first;
    const count = (kind: '-' | '+') => part.filter((edit) => edit.kind === ' ' || edit.kind === kind).length;
    const [olds, news] = [count('-'), count('+')];
    hunks.push(`@@ -${range(oldLine - lead, olds)} +${range(newLine - lead, news)} @@`);
    for (const { kind, text } of part) hunks.push(`${kind}${text}`);
    oldLine += olds - lead;
    newLine += news - lead;
    at = end;
  }
  return hunks.length === 0 ? '' : `${[`--- ${names.before}`, `+++ ${names.after}`, ...hunks].join('\n')}\n`;
}

/** Behind the last change that lies near enough to the one before it, and what stands around it. */
function endOfHunk(edits: readonly LineEdit[], from: number): number {
  let last = from;
  for (let at = from; at < edits.length && at - last <= 2 * CONTEXT; at++)
    if (edits[at]!.kind !== ' ') last = at;
  return Math.min(edits.length, last + 1 + CONTEXT);
}

/** A range without lines begins before the first that follows. */
function range(line: number, count: number): string {
  return count === 0 ? `${line - 1},0` : count === 1 ? String(line) : `${line},${count}`;
}

/**
 * A text that was read, changed and written anew, with its untouched lines as they were: `plain` is the text read and
 * written without a change.
 */
export function keepLines(text: string, plain: string, changed: string): string {
  const before = linesOf(plain);
  const originals = originalsOf(linesOf(text), before);
  let at = 0;
  const lines: string[] = [];
  for (const edit of editsBetween(before, linesOf(changed))) {
    if (edit.kind === '+') lines.push(edit.text);
    else {
      if (edit.kind === ' ') lines.push(originals[at]!);
      at++;
    }
  }
  return `${lines.join('\n')}\n`;
}

/** For each line as it was written anew, the text's own, where that says the same but for its spaces. */
function originalsOf(lines: readonly string[], written: readonly string[]): string[] {
  const bare = (line: string) => line.replace(/\s+/g, '');
  const originals: string[] = [];
  let at = 0;
  for (const { kind } of editsBetween(lines.map(bare), written.map(bare))) {
    if (kind === ' ') originals.push(lines[at]!);
    else if (kind === '+') originals.push(written[originals.length]!);
    if (kind !== '+') at++;
  }
  return originals;
}
