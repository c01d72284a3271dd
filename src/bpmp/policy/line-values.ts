import type { MrqInfo } from '../wire/index.js';

/** The commands of an MRQ as its line has them: `[GET_TEMP, GET_NUM_ZONES]`, `allow`, `none`. */
export function familyValue(family: MrqInfo, commands: ReadonlySet<number>): string {
  if (commands.size === 0) return 'none';
  if (!family.hasCommands) return 'allow';
  const names = family.commands.filter(({ number }) => commands.has(number)).map(({ name }) => name);
  return `[${names.join(', ')}]`;
}

/** The addresses of an I2C bus as its line has them: `[0x3c, 0x50]`. */
export function busValue(addresses: Iterable<number>): string {
  const list = [...addresses]
    .sort((a, b) => a - b)
    .map((address) => `0x${address.toString(16).padStart(2, '0')}`);
  return `[${list.join(', ')}]`;
}
