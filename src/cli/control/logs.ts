import type { Call } from '../command.js';
import type { Context } from '../context.js';
import { targetOf } from './target.js';

export async function run({ args: [word], options }: Call, { stdout, json }: Context): Promise<number> {
  const { client } = await targetOf(word!);
  for await (const line of client.logs({ follow: options.follow === true })) {
    if (json) stdout.json({ line });
    else stdout.line(line);
    await stdout.drained();
    if (stdout.gone) break;
  }
  return 0;
}
