import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DISSECTOR_FILE, dissectorText } from '../../../bpmp/dissector/index.js';
import { GpuvmError } from '../../../errors.js';
import type { Call } from '../../command.js';
import type { Context } from '../../context.js';
import { saveWhole } from '../../dt/save.js';
import { pluginFolder } from './folder.js';

type Outcome = 'new' | 'replaced' | 'unchanged';

export async function run({ options }: Call, context: Context, env = process.env): Promise<number> {
  const { stdout, stderr, json } = context;
  const isInstall = options.install === true || options.system === true;
  if (isInstall && options.output !== undefined)
    throw new GpuvmError('GPUVM_USAGE', 'give --install or -o FILE, not both');
  const text = dissectorText();
  if (isInstall) {
    const folder = await pluginFolder(options.system ? 'system' : 'personal', env);
    const path = join(folder.path, DISSECTOR_FILE);
    const outcome = await install(folder.path, path, text);
    if (json) stdout.json({ ok: true, path, outcome });
    else {
      stdout.line(path);
      stderr.line(`gpuvm: ${said[outcome]}`);
      if (!folder.isTold)
        stderr.line(
          'gpuvm: there is no tshark to ask: this is where Wireshark looks if nobody told it otherwise',
        );
    }
  } else if (options.output !== undefined) {
    await saveWhole(String(options.output), Buffer.from(text));
    if (json) stdout.json({ ok: true, path: String(options.output) });
  } else if (json) stdout.json({ ok: true, name: DISSECTOR_FILE, text });
  else stdout.write(text);
  return 0;
}

const said: Readonly<Record<Outcome, string>> = {
  new: 'installed; a Wireshark that runs takes it with Analyze → Reload Lua Plugins',
  replaced: 'an older one was replaced; a Wireshark that runs takes it with Analyze → Reload Lua Plugins',
  unchanged: 'it was there already',
};

async function install(folder: string, path: string, text: string): Promise<Outcome> {
  const older = await readFile(path, 'utf8').catch(() => undefined);
  if (older === text) return 'unchanged';
  try {
    await mkdir(folder, { recursive: true });
  } catch (cause) {
    throw new GpuvmError('GPUVM_FILE', `${folder} cannot be made: ${(cause as Error).message}`, { cause });
  }
  await saveWhole(path, Buffer.from(text));
  return older === undefined ? 'new' : 'replaced';
}
