import { nearest } from '../../nearest.js';
import { type CommandInfo, Mrq, type MrqInfo } from '../wire/index.js';
import { findMrq, mrqNames } from './catalogue.js';
import type { FamilyLine } from './model.js';
import { quote } from './problems.js';
import type { Entry, Reader } from './reader.js';
import { resourceKinds } from './resource-kind.js';
import { isEmpty } from './resources.js';

/** The lines of `mrqs:`, by MRQ number. */
export function readFamilies(section: Entry | undefined, reader: Reader): Map<number, FamilyLine> {
  const lines = new Map<number, FamilyLine>();
  if (section === undefined || isEmpty(section, reader)) return lines;
  for (const entry of reader.entries(section.value, '"mrqs"', section.place) ?? []) {
    const family = findMrq(entry.key);
    if (family === undefined) {
      const near = nearest(entry.key, mrqNames);
      const hint = near === undefined ? 'the ABI header has no such MRQ' : `did you mean "${near}"?`;
      reader.problems.mistake(`unknown MRQ ${quote(entry.key)}: ${hint}`, entry.place);
      continue;
    }
    const commands = readCommands(entry, family, reader);
    if (commands === undefined) continue;
    const earlier = lines.get(family.number);
    if (earlier !== undefined) {
      addAgain(entry, family, earlier, commands, reader);
      continue;
    }
    const place = entry.place;
    const rule = { text: `${place.file}:${place.line} mrqs.${entry.key}`, place };
    lines.set(family.number, { commands, rule });
  }
  return lines;
}

function addAgain(
  entry: Entry,
  family: MrqInfo,
  earlier: FamilyLine,
  commands: ReadonlySet<number>,
  reader: Reader,
): void {
  const at = `line ${earlier.rule.place?.line}`;
  const same =
    commands.size === earlier.commands.size && [...commands].every((number) => earlier.commands.has(number));
  if (same) reader.problems.warn(`${family.name} is already given the same at ${at}`, entry.place);
  else reader.problems.mistake(`${family.name} is given something else at ${at}: keep one`, entry.place);
}

/** The commands of a family that a line may name: what a guest can send, and no resource's own section grants. */
export function grantableCommands(family: MrqInfo): readonly CommandInfo[] {
  const kind = resourceKinds.find(({ mrq }) => mrq === family.number);
  return family.commands.filter(
    ({ number, fromBpmp }) => !fromBpmp && (!kind || kind.general.some(({ command }) => command === number)),
  );
}

function readCommands(entry: Entry, family: MrqInfo, reader: Reader): Set<number> | undefined {
  const word = reader.plain(entry.value);
  if (word === 'none') return new Set();
  const refuse = (message: string): undefined => {
    reader.problems.mistake(message, entry.value?.range ? reader.place(entry.value) : entry.place);
    return undefined;
  };
  if (family.passesAddresses) {
    return refuse(
      `${family.name} is never granted: its requests hold addresses at which the firmware reads or writes memory`,
    );
  }
  if (family.number === Mrq.I2C) return refuse('I2C is granted by bus and address: write "i2c: {5: [0x3c]}"');
  const items = reader.items(entry.value);
  if (items !== undefined)
    return readList(items, family, reader) ?? refuse(`${family.name} has no commands: write "allow"`);
  const grantable = grantableCommands(family);
  const section = resourceKinds.find(({ mrq }) => mrq === family.number)?.section;
  if (word === 'read') {
    const commands = grantable.filter((command) => isRead(family, command));
    if (commands.length > 0) return new Set(commands.map(({ number }) => number));
    return refuse(
      `${family.name} has nothing that only reads: write ${family.hasCommands ? 'its commands' : '"allow"'}`,
    );
  }
  if (word === 'allow') {
    if (section !== undefined)
      return refuse(`${family.name} is granted by resource: write it under "${section}:"`);
    if (family.number === Mrq.DEBUG) {
      return refuse(
        'DEBUG takes "read" or a list: writing debug files reaches everything, around this policy',
      );
    }
    return new Set(grantable.map(({ number }) => number));
  }
  const words = family.hasCommands ? 'none, read, allow or a list of commands' : 'none or allow';
  const near = typeof word === 'string' ? nearest(word, ['none', 'read', 'allow']) : undefined;
  return refuse(
    `"${family.name}" cannot be ${word === undefined ? 'a mapping' : word === null ? 'empty' : quote(word)}: ` +
      (near === undefined ? `write ${words}` : `did you mean "${near}"?`),
  );
}

/** For DEBUG, to read a file is to open, read and close it. */
function isRead(family: MrqInfo, { effect, name }: CommandInfo): boolean {
  return family.number === Mrq.DEBUG ? ['OPEN_RO', 'READ', 'CLOSE'].includes(name) : effect === 'read';
}

function readList(
  items: Parameters<Reader['plain']>[0][],
  family: MrqInfo,
  reader: Reader,
): Set<number> | undefined {
  if (!family.hasCommands) return undefined;
  const grantable = grantableCommands(family);
  const commands = new Set<number>();
  for (const item of items) {
    const value = reader.plain(item);
    const word = String(value ?? '').toUpperCase();
    const known = family.commands.find(({ name, number }) => name === word || number === value);
    const place = reader.place(item);
    if (known === undefined) {
      const near = nearest(
        word,
        grantable.map(({ name }) => name),
      );
      const hint = `known are ${grantable.map(({ name }) => name).join(', ')}`;
      reader.problems.mistake(
        `unknown ${family.name} command ${quote(word)}: ${near === undefined ? hint : `did you mean "${near}"?`}`,
        place,
      );
    } else if (known.fromBpmp) {
      reader.problems.mistake(
        `${known.title} is sent by the firmware, never by a guest: leave it out`,
        place,
      );
    } else if (!grantable.includes(known)) {
      const section = resourceKinds.find(({ mrq }) => mrq === family.number)?.section;
      reader.problems.mistake(`${known.title} is granted by resource: write it under "${section}:"`, place);
    } else {
      if (family.number === Mrq.DEBUG && !isRead(family, known)) {
        reader.problems.warn(
          `${known.title} lets the guest write debug files, and so around this policy`,
          place,
        );
      }
      commands.add(known.number);
    }
  }
  return commands;
}
