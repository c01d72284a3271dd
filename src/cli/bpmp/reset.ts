import { readResets } from '../../bpmp/inspect/index.js';
import { tegra234 } from '../../bpmp/tegra234/index.js';
import { encodeRequest } from '../../bpmp/wire/index.js';
import { GpuvmError } from '../../errors.js';
import type { Call } from '../command.js';
import type { Context } from '../context.js';
import { change } from './inspect/change.js';
import { readHolders } from './inspect/holders.js';
import { idOf, matcherOf, tooMany, unknownAction } from './inspect/names.js';
import { requireLeave } from './inspect/permission.js';
import { table } from './inspect/rows.js';
import { openWhere, type Where } from './inspect/where.js';

const actions = ['list', 'show', 'set'] as const;
const changes: Readonly<Record<string, string>> = {
  assert: 'ASSERT',
  deassert: 'DEASSERT',
  module: 'MODULE',
};

export async function run(call: Call, context: Context): Promise<number> {
  const [action = 'list', name, ...more] = call.args;
  if (!(actions as readonly string[]).includes(action)) throw unknownAction('reset', action, actions);
  const where = await openWhere(call);
  try {
    if (action === 'set') await set(where, idOf(tegra234.resets, name), more, call, context);
    else {
      tooMany(`reset ${action}`, more);
      await list(
        where,
        action === 'show' ? tegra234.resets.nameOf(idOf(tegra234.resets, name)) : name,
        context,
      );
    }
    return 0;
  } finally {
    await where.close();
  }
}

/** The firmware does not tell how a reset stands; who holds it, the VMs do. */
async function list(where: Where, glob: string | undefined, { stdout, json }: Context): Promise<void> {
  const matches = matcherOf(glob);
  const resets = (await readResets(where.firmware)).filter(({ name }) => matches(name));
  const holders = await readHolders(where);
  const heldBy = (name: string) => holders.get(`reset ${name}`) ?? [];
  if (json) return stdout.json(resets.map((reset) => ({ ...reset, heldBy: heldBy(reset.name) })));
  const rows = resets.map(({ id, name }) => [name, String(id), heldBy(name).join(' ')]);
  for (const line of table(['RESET', 'ID', 'HELD BY'], rows, [1])) stdout.line(line);
}

async function set(
  where: Where,
  id: number,
  words: readonly string[],
  call: Call,
  { stdout, json }: Context,
): Promise<void> {
  const [word = '', ...more] = words;
  const command = Object.hasOwn(changes, word) ? changes[word] : undefined;
  tooMany('reset set', more);
  if (command === undefined)
    throw new GpuvmError(
      'GPUVM_USAGE',
      'a reset is set to assert, deassert, or module (both, one after the other)',
    );
  const question = encodeRequest({ mrq: 'RESET', command, fields: { reset: id } }, tegra234);
  await requireLeave(question, 'reset', where, call);
  await change(where, question);
  const name = tegra234.resets.nameOf(id) ?? String(id);
  const after = command === 'ASSERT' ? 'asserted' : 'deasserted';
  // What it was before, no firmware tells.
  if (json) stdout.json({ id, name, after });
  else stdout.line(`${name}: unknown → ${after}`);
}
