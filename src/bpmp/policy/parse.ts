import { tegra234 } from '../tegra234/index.js';
import type { ChipNames } from '../wire/index.js';
import { readBuses } from './buses.js';
import { readFamilies } from './families.js';
import { readForward } from './forward.js';
import { HEADER_KEYS, readHeader } from './header.js';
import type { PolicyModel } from './model.js';
import { Problems } from './problems.js';
import { Reader } from './reader.js';
import { resourceKinds } from './resource-kind.js';
import { readResources } from './resources.js';

const chips: readonly ChipNames[] = [tegra234];
const KEYS = [...HEADER_KEYS, ...resourceKinds.map(({ section }) => section), 'mrqs', 'i2c', 'learn'];

/**
 * Reads a policy and refuses it with GPUVM_POLICY where anything in it is wrong.
 * @param file what the text is called in messages and rules
 */
export function readPolicy(text: string, file: string): PolicyModel {
  const problems = new Problems();
  const reader = new Reader(file, problems);
  const top = reader.open(text);
  problems.throwIfAny();
  const fields = reader.fields(top, 'the policy', { file, line: 1, column: 1 }, KEYS);
  const header = readHeader(fields, reader);
  const chipEntry = fields.get('chip');
  const names = chips.map(({ chip }) => chip);
  const wanted = (chipEntry && reader.word(chipEntry, names)) ?? names[0];
  const chip = chips.find((known) => known.chip === wanted) ?? tegra234;
  const [clocks, resets, powerDomains] = resourceKinds.map((kind) =>
    readResources(fields.get(kind.section), kind, kind.table(chip), reader),
  );
  const families = readFamilies(fields.get('mrqs'), reader);
  const buses = readBuses(fields.get('i2c'), reader);
  const forward = readForward(fields.get('learn'), chip, reader);
  const learn = fields.get('learn');
  if (forward !== undefined && header.mode !== 'learn' && learn !== undefined)
    problems.warn(`"learn" has no effect in mode ${header.mode}`, learn.place);
  problems.throwIfAny();
  return {
    ...header,
    file,
    text,
    chip,
    resources: { clocks: clocks!, resets: resets!, powerDomains: powerDomains! },
    families,
    buses,
    forward,
    warnings: problems.warnings,
  };
}
