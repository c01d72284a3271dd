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
  return [{ message: `${formatPath(path)} ${predicate(issue)}`, place: document.placeOf(path) }];
}

function unknownKey(key: string, path: KeyPath, known: readonly string[]): string {
  const meant = nearest(key, known);
  const name = formatPath([...path, key]);
  return `${name} is not known: ${meant ? `did you mean "${meant}"?` : `there are ${known.join(', ')}`}`;
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
