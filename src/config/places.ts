import type { KeyPath } from './document.js';

/** A key's place in any VM file: `*` stands for each entry of a list. */
type Pattern = readonly string[];

export interface FileKey {
  readonly at: Pattern;
  /** What must be so when the VM starts; nothing, where gpuvm or QEMU makes it. */
  readonly must?: 'be-read' | 'be-image' | 'be-there';
}

/** Keys that hold a path. */
export const fileKeys: readonly FileKey[] = [
  { at: ['kernel'], must: 'be-read' },
  { at: ['initrd'], must: 'be-read' },
  { at: ['dtb'], must: 'be-read' },
  { at: ['policy'], must: 'be-read' },
  { at: ['deviceTree', 'overlays', '*'], must: 'be-read' },
  { at: ['deviceTree', 'hostTree'], must: 'be-read' },
  { at: ['deviceTree', 'profiles', '*'], must: 'be-read' },
  { at: ['firmware'], must: 'be-read' },
  { at: ['firmware', 'code'], must: 'be-read' },
  { at: ['firmware', 'vars'], must: 'be-read' },
  { at: ['disks', '*', 'file'], must: 'be-image' },
  { at: ['memoryBackend', 'path'], must: 'be-there' },
  { at: ['serial', '*', 'path'] },
  { at: ['control', 'socket'] },
  { at: ['capture', 'file'] },
];

/** Keys that hold a program: a path, or a name on the PATH. */
export const programKeys: readonly Pattern[] = [
  ['qemu', 'binary'],
  ['nets', '*', 'helper'],
  ['hooks', '*', '*', 'run', '0'],
];

/** Keys in whose text the variables are put in. */
export const textKeys: readonly Pattern[] = [
  ['extraArguments', '*'],
  ['hooks', '*', '*', 'run', '*'],
];

/** Every text that `value` has at `pattern`, with its path. */
export function textsAt(value: unknown, pattern: Pattern): { path: KeyPath; text: string }[] {
  let found: { path: PropertyKey[]; value: unknown }[] = [{ path: [], value }];
  for (const key of pattern) found = found.flatMap((each) => within(each, key));
  return found.flatMap(({ path, value }) => (typeof value === 'string' ? [{ path, text: value }] : []));
}

function within({ path, value }: { path: PropertyKey[]; value: unknown }, key: string) {
  if (typeof value !== 'object' || value === null) return [];
  const isList = Array.isArray(value);
  const keys = key === '*' ? Object.keys(value) : Object.hasOwn(value, key) ? [key] : [];
  return keys.map((name) => ({
    path: [...path, isList ? Number(name) : name],
    value: (value as Record<string, unknown>)[name],
  }));
}

/** Puts a text at a path that `textsAt` found. */
export function setAt(value: unknown, path: KeyPath, text: string): void {
  const parent = path.slice(0, -1).reduce((each, key) => (each as Record<PropertyKey, unknown>)[key], value);
  (parent as Record<PropertyKey, unknown>)[path.at(-1)!] = text;
}
