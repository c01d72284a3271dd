import { Mrq, type MrqInfo, mrqs } from '../wire/index.js';
import { allowedByDefault, builtIn } from './builtin.js';
import type { PolicyModel } from './model.js';
import type { DecisionPool } from './pool.js';

/** Every decision about the commands that name no granted resource: by MRQ, then by command number. */
export type FamilyTable = readonly (Uint16Array | undefined)[];

export function buildFamilyTable(model: PolicyModel, pool: DecisionPool): FamilyTable {
  const table: (Uint16Array | undefined)[] = [];
  for (const family of mrqs.values()) table[family.number] = buildRow(family, model, pool);
  return Array.from(table);
}

function buildRow(family: MrqInfo, model: PolicyModel, pool: DecisionPool): Uint16Array {
  const largest = Math.max(...family.commands.map(({ number }) => number));
  const row = new Uint16Array(largest + 1).fill(pool.code('deny', builtIn.unknownCommand));
  const line = model.families.get(family.number);
  for (const { number, title, effect, fromBpmp } of family.commands) {
    const readOnly = effect === 'read';
    if (family.passesAddresses) row[number] = pool.code('deny', builtIn.passesAddresses);
    else if (fromBpmp) row[number] = pool.code('deny', builtIn.fromFirmware);
    else if (line !== undefined) {
      row[number] = pool.code(line.commands.has(number) ? 'allow' : 'deny', line.rule, readOnly);
    } else {
      const rule = Object.hasOwn(allowedByDefault, title) ? allowedByDefault[title] : undefined;
      row[number] = pool.code(rule ? 'allow' : 'deny', rule ?? builtIn.notGranted, readOnly);
    }
  }
  return row;
}

/** True where some command of the family could pass; what is granted by resource or address is looked at elsewhere. */
export function passesAny(table: FamilyTable, mrq: number, pool: DecisionPool): boolean {
  if (mrq === Mrq.I2C) return false;
  return table[mrq]?.some((code) => pool.decisions[code]?.verdict === 'allow') ?? false;
}
