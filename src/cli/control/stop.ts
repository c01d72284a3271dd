import type { Call } from '../command.js';
import type { Context } from '../context.js';
import { targetOf } from './target.js';
import { endingText } from './text.js';

export async function run(
  { args: [word], options }: Call,
  { stdout, stderr, json }: Context,
): Promise<number> {
  const { name, client } = await targetOf(word!);
  const wait = options.wait === true;
  const status = await client.stop({ now: options.now === true, wait });
  if (json) stdout.json(status);
  else stderr.line(`gpuvm: ${name}: ${(wait && endingText(status)) || status.state}`);
  return 0;
}
