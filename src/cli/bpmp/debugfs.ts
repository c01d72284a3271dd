import { listDirectory, readDebugFile } from '../../bpmp/inspect/index.js';
import { GpuvmError } from '../../errors.js';
import type { Call } from '../command.js';
import type { Context } from '../context.js';
import { tooMany, unknownAction } from './inspect/names.js';
import { openWhere } from './inspect/where.js';

const actions = ['ls', 'cat'] as const;

export async function run(call: Call, { stdout, json }: Context): Promise<number> {
  const [action = 'ls', path, ...more] = call.args;
  if (!(actions as readonly string[]).includes(action)) throw unknownAction('debugfs', action, actions);
  tooMany(`debugfs ${action}`, more);
  if (action === 'cat' && path === undefined)
    throw new GpuvmError('GPUVM_USAGE', 'which file? gpuvm bpmp debugfs ls has their names');
  const where = await openWhere(call);
  try {
    const absolute = path === undefined ? '/' : path.startsWith('/') ? path : `/${path}`;
    if (action === 'ls') {
      const entries = await listDirectory(where.firmware, absolute);
      if (json) stdout.json(entries);
      else
        for (const { name, kind, readable, writable } of entries) {
          const rights = `${readable ? 'r' : '-'}${writable ? 'w' : '-'}`;
          stdout.line(
            `${kind === 'directory' ? 'd' : '-'}${rights} ${shown(name)}${kind === 'directory' ? '/' : ''}`,
          );
        }
    } else {
      const bytes = await readDebugFile(where.firmware, absolute);
      if (json) stdout.json({ path: absolute, text: Buffer.from(bytes).toString('latin1') });
      else stdout.write(bytes);
    }
    return 0;
  } finally {
    await where.close();
  }
}

/** A firmware's name is nothing that a terminal should obey. */
function shown(name: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is they that are looked for
  return name.replace(/[\x00-\x1f\x7f-\x9f]/g, '?');
}
