import type { z } from 'zod';
import { nearest } from '../nearest.js';
import type { KeyPath, Mistake, YamlDocument } from './document.js';

type Issue = z.core.$ZodIssue;

/** The keys that may stand at a path. */
export type KnownKeys = (path: KeyPath) => readonly string[];

/** What the schema found, each as one sentence at its place. */
export function mistakesOf(issues: readonly Issue[], document: YamlDocument, known: KnownKeys): Mistake[] {
  return issues.flatMap((issue) => mistakesOfOne(issue, document, known));
}

function mistakesOfOne(issue: Issue, document: YamlDocument, known: KnownKeys): Mistake[] {
  const { path } = issue;
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      message: unknownKey(key, path, known(path)),
      place: document.placeOfKey([...path, key]),
    }));
  }
  const inner = issuesWithin(issue);
  if (inner) return mistakesOf(inner, document, known);
  const place = issue.code === 'invalid_key' ? document.placeOfKey(path) : document.placeOf(path);
  const said = asWritten(predicate(issue), issue, document);
  return [{ message: `${formatPath(path)} ${said}`, place }];
}

/** A number is shown as it stands in the file: 0x10955, not 67925. */
function asWritten(said: string, { input, path }: Issue, document: YamlDocument): string {
  const read = `is ${JSON.stringify(input)}`;
  const source = document.sourceOf(path);
  if (typeof input !== 'number' || source === undefined || !said.startsWith(read)) return said;
  const hint = Math.abs(input) > Number.MAX_SAFE_INTEGER ? ': put so large a number in quotation marks' : '';
  return `is ${source}${said.slice(read.length)}${hint}`;
}

/** What is wrong within the one alternative that the value is meant to be, if that can be told from its shape. */
function issuesWithin(issue: Issue): Issue[] | undefined {
  if (issue.code !== 'invalid_union' || issue.discriminator !== undefined) return undefined;
  const isOther = ({ code, path }: Issue) => code === 'invalid_type' && path.length === 0;
  const meant = issue.errors.filter((errors) => !errors.some(isOther));
  if (meant.length !== 1) return undefined;
  return meant[0]!.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }));
}

/** So many keys are not read in one line. */
const MANY = 12;

function unknownKey(key: string, path: KeyPath, known: readonly string[]): string {
  const meant = nearest(key, known);
  const name = formatPath([...path, key]);
  if (meant) return `${name} is not known: did you mean "${meant}"?`;
  return `${name} is not known: ${known.length > MANY ? 'docs/vm-file.md has the keys' : `there are ${known.join(', ')}`}`;
}

/** Words of the schema's own are meant for people; those that the checker makes up are not. */
const OWN_WORDS = /^(must|is) /;

function predicate(issue: Issue): string {
  if (issue.input === undefined && issue.code !== 'custom') return 'is missing';
  if (OWN_WORDS.test(issue.message)) return issue.message;
  switch (issue.code) {
    case 'invalid_value':
      return notOneOf(issue.input, issue.values);
    case 'invalid_union':
      return issue.discriminator === undefined ? noAlternative(issue) : unknownKind(issue);
    case 'invalid_type':
      return `must be ${typeNames[issue.expected] ?? issue.expected}`;
    case 'invalid_key':
      return issue.issues[0]?.message ?? 'is no key';
    case 'too_small':
      if (issue.origin === 'string') return 'must not be empty';
      return `must be ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}`;
    case 'too_big': {
      const unit = issue.origin === 'string' ? ' characters' : issue.origin === 'array' ? ' entries' : '';
      return `must be ${unit && 'of '}at most ${issue.maximum}${unit}`;
    }
    default:
      return `is not right: ${issue.message}`;
  }
}

const typeNames: Readonly<Record<string, string>> = {
  object: 'a map of keys and values',
  array: 'a list',
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
};

/** What each alternative would take, where none fits. */
function noAlternative(issue: z.core.$ZodIssueInvalidUnion): string {
  const whole = issue.errors.flatMap((errors) => errors.filter(({ path }) => path.length === 0));
  const wants = whole.map((each) =>
    predicate({ ...each, input: issue.input } as Issue).replace(/^must be /, ''),
  );
  return `must be ${[...new Set(wants)].join(', or ')}`;
}

/** Where the kind of a thing chooses what else it holds, and is none of those known. */
function unknownKind(issue: z.core.$ZodIssueInvalidUnion): string {
  const { input, discriminator, options } = issue as typeof issue & { options?: unknown[] };
  return notOneOf((input as Record<string, unknown>)[discriminator!], options ?? []);
}

function notOneOf(value: unknown, options: readonly unknown[]): string {
  const names = options.map(String);
  if (value === undefined) return `is missing: it is one of ${names.join(', ')}`;
  const meant = typeof value === 'string' ? nearest(value, names) : undefined;
  const hint = meant ? `did you mean "${meant}"? It` : 'it';
  return `is ${JSON.stringify(value)}: ${hint} is one of ${names.join(', ')}`;
}

/** `extraArguments[2]`, counted as people count; the file itself where the path is empty. */
export function formatPath(path: KeyPath): string {
  if (path.length === 0) return 'the VM file';
  return path
    .map((key, index) =>
      typeof key === 'number' ? `[${key + 1}]` : `${index > 0 ? '.' : ''}${formatKey(key)}`,
    )
    .join('');
}

/** A key as it is, or quoted and cut where it would make the sentence unreadable. */
function formatKey(key: PropertyKey): string {
  const text = String(key);
  return /^[\w-]{1,60}$/.test(text) ? text : JSON.stringify(text.slice(0, 60));
}
