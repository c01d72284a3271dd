import { vmFileJsonSchema } from '../../config/index.js';
import type { Call } from '../command.js';
import type { Context } from '../context.js';

/** It is JSON with and without --json. */
export async function run(_call: Call, { stdout }: Context): Promise<number> {
  stdout.line(JSON.stringify(vmFileJsonSchema(), null, 2));
  return 0;
}
