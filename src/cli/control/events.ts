import { GpuvmError } from '../../errors.js';
import type { Call } from '../command.js';
import type { Context } from '../context.js';
import { targetOf } from './target.js';

/** They are data for programs, and come as JSON whether that is asked for or not. */
export async function run({ args: [word], options }: Call, { stdout }: Context): Promise<number> {
  const since = timeOf(options.since);
  const { client } = await targetOf(word!);
  for await (const event of client.events({ follow: options.follow === true, since })) {
    stdout.json(event);
    await stdout.drained();
    if (stdout.gone) break;
  }
  return 0;
}

function timeOf(text: unknown): Date | undefined {
  if (text === undefined) return undefined;
  const time = new Date(String(text));
  if (!Number.isNaN(time.getTime())) return time;
  throw new GpuvmError(
    'GPUVM_USAGE',
    `--since ${JSON.stringify(text)} is no time: write it as 2026-01-31T12:00:00Z`,
  );
}
