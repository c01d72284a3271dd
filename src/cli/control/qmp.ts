import { GpuvmError } from '../../errors.js';
import type { Call } from '../command.js';
import type { Context } from '../context.js';
import { targetOf } from './target.js';

export async function run({ args, options }: Call, { stdout, json }: Context): Promise<number> {
  const [word, command, ...words] = args;
  const given = argumentsOf(words);
  const deadlineMs = deadlineOf(options.deadline);
  const { client } = await targetOf(word!);
  const value = await client.qmp(command!, given, deadlineMs === undefined ? {} : { deadlineMs });
  if (json) stdout.json(value);
  // The human monitor's answers are text for people.
  else if (typeof value === 'string') stdout.line(value.replace(/\r?\n$/, '').replaceAll('\r\n', '\n'));
  else stdout.line(JSON.stringify(value, null, 2));
  return 0;
}

/** A command's arguments from `key=value` words or one JSON object; undefined where there are none. */
export function argumentsOf(words: readonly string[]): Record<string, unknown> | undefined {
  if (words.length === 0) return undefined;
  if (words.length === 1 && words[0]!.trimStart().startsWith('{')) return objectOf(words[0]!);
  const given = new Map<string, unknown>();
  for (const word of words) {
    const at = word.indexOf('=');
    if (at < 1)
      throw new GpuvmError('GPUVM_USAGE', `${JSON.stringify(word)} is not key=value, nor a JSON object`);
    const key = word.slice(0, at);
    if (given.has(key)) throw new GpuvmError('GPUVM_USAGE', `${key} is given twice`);
    given.set(key, parseValue(word.slice(at + 1)));
  }
  return Object.fromEntries(given);
}

function objectOf(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new GpuvmError('GPUVM_USAGE', `the arguments are not JSON: ${(cause as Error).message}`, { cause });
  }
}

/** `true`, `5`, `[1]` and `"5"` as JSON has them; what is no JSON is text. */
function parseValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function deadlineOf(text: unknown): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,6}$/.test(String(text))) return Number(text);
  throw new GpuvmError('GPUVM_USAGE', `--deadline ${JSON.stringify(text)} is no number of milliseconds`);
}
