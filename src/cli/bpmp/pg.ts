import { type DomainState, readDomain, readDomains } from '../../bpmp/inspect/index.js';
import { tegra234 } from '../../bpmp/tegra234/index.js';
import { encodeRequest } from '../../bpmp/wire/index.js';
import { GpuvmError } from '../../errors.js';
import type { Call } from '../command.js';
import type { Context } from '../context.js';
import { change } from './inspect/change.js';
import { type Holders, readHolders } from './inspect/holders.js';
import { idOf, matcherOf, tooMany, unknownAction } from './inspect/names.js';
import { requireLeave } from './inspect/permission.js';
import { table } from './inspect/rows.js';
import { openWhere, type Where } from './inspect/where.js';

const actions = ['list', 'show', 'set'] as const;

export async function run(call: Call, context: Context): Promise<number> {
  const [action = 'list', name, ...more] = call.args;
  if (!(actions as readonly string[]).includes(action)) throw unknownAction('pg', action, actions);
  const { stdout, json } = context;
  const where = await openWhere(call);
  try {
    if (action === 'set') {
      const id = idOf(tegra234.powerDomains, name);
      const [state, ...others] = more;
      tooMany('pg set', others);
      if (state !== 'on' && state !== 'off')
        throw new GpuvmError('GPUVM_USAGE', 'a power domain is set on or off');
      const fields = { powerDomain: id, state };
      const question = encodeRequest({ mrq: 'PG', command: 'SET_STATE', fields }, tegra234);
      const before = await need(where, id);
      await requireLeave(question, 'powerDomain', where, call);
      await change(where, question);
      const after = await need(where, id);
      if (json) stdout.json({ before, after });
      else stdout.line(`${after.name}: ${before.state ?? '?'} → ${after.state ?? '?'}`);
      return 0;
    }
    tooMany(`pg ${action}`, more);
    const matches = matcherOf(name);
    const domains =
      action === 'show'
        ? [await need(where, idOf(tegra234.powerDomains, name))]
        : (await readDomains(where.firmware)).filter((domain) => matches(domain.name));
    const holders = await readHolders(where);
    if (json) stdout.json(domains.map((domain) => ({ ...domain, heldBy: heldBy(domain, holders) })));
    else {
      const rows = domains.map((domain) => [
        domain.name,
        String(domain.id),
        domain.state ?? '?',
        heldBy(domain, holders).join(' '),
        domain.problem ?? '',
      ]);
      for (const line of table(['DOMAIN', 'ID', 'STATE', 'HELD BY', 'PROBLEM'], rows, [1])) stdout.line(line);
    }
    return 0;
  } finally {
    await where.close();
  }
}

async function need(where: Where, id: number): Promise<DomainState> {
  const domain = await readDomain(where.firmware, id);
  if (domain) return domain;
  const hidden = where.vm ? ', or its policy hides it' : '';
  const name = tegra234.powerDomains.nameOf(id) ?? id;
  throw new GpuvmError('GPUVM_INSPECT', `${where.name} has no power domain ${name}${hidden}`);
}

function heldBy({ name }: DomainState, holders: Holders): readonly string[] {
  return holders.get(`power domain ${name}`) ?? [];
}
