import { openSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import { GpuvmError } from '../../../errors.js';
import type { Call } from '../../command.js';
import { type Context, wantsColour } from '../../context.js';
import { listChoices } from './choices.js';
import { filters } from './filters.js';
import { Fixes } from './fixes.js';
import { printOnce } from './once.js';
import { Session } from './session.js';
import type { Looks } from './terminal/painter.js';

const INTERVAL_S = 0.5;
const LEAST_INTERVAL_S = 0.05;

export async function run({ args: [word], options }: Call, context: Context): Promise<number> {
  const { stdin, stdout, json } = context;
  const intervalMs = 1000 * parseInterval(options.interval);
  const filter = options.filter === undefined ? '' : String(options.filter);
  // A mistake is told before there is a screen.
  if (filter !== '') filters.compile(filter);
  const fixes = await Fixes.create(options.policy === undefined ? undefined : String(options.policy));
  const looks: Looks = {
    colour: wantsColour(stdout.stream),
    ascii: options.ascii === true || !isUtf8(),
  };
  const screen = process.stdout;
  const isScreen =
    stdout.stream === screen && screen.isTTY && process.env.TERM !== 'dumb' && !json && options.once !== true;
  const keyboard = isScreen ? keyboardOf(stdin) : undefined;
  if (keyboard === undefined) {
    const width = Math.max(80, screen.columns ?? (Number(process.env.COLUMNS) || 80));
    return printOnce({ word, context, filters, filter, fixes, looks, width });
  }
  const choices = word === undefined ? await listChoices() : [];
  const only = choices.length === 1 ? choices[0]!.name : undefined;
  if (word === undefined && choices.length === 0)
    throw new GpuvmError('GPUVM_USAGE', 'no VM runs: name a capture file, or - for standard input');
  const session = new Session({
    word: word ?? only,
    choices,
    stdin: stdin as ReadStream,
    keyboard,
    screen,
    looks,
    intervalMs,
    filters,
    fixes,
    filter,
  });
  return session.run();
}

/** Standard input; where that is a capture, the terminal that this program was started on. */
function keyboardOf(stdin: Context['stdin']): ReadStream | undefined {
  if (stdin.isTTY) return stdin as ReadStream;
  try {
    return new ReadStream(openSync('/dev/tty', 'r'));
  } catch {
    return undefined;
  }
}

/** The locale's character set as setlocale(3) finds it: the first of these that is not empty. */
function isUtf8(env = process.env): boolean {
  return /utf-?8/i.test(env.LC_ALL || env.LC_CTYPE || env.LANG || '');
}

function parseInterval(given: unknown): number {
  if (given === undefined) return INTERVAL_S;
  const seconds = Number(given);
  if (String(given).trim() !== '' && seconds >= LEAST_INTERVAL_S && seconds <= 3600) return seconds;
  throw new GpuvmError(
    'GPUVM_USAGE',
    `--interval takes seconds from ${LEAST_INTERVAL_S} to 3600, not ${JSON.stringify(given)}`,
  );
}
