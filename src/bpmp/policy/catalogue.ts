import { type MrqInfo, mrqByName, mrqs } from '../wire/index.js';

/** Every MRQ's name, for "did you mean". */
export const mrqNames: readonly string[] = [...mrqs.values()].map(({ name }) => name);

/** An MRQ as a policy's key names it: by name, in any case and with or without its prefix, or by number. */
export function findMrq(key: string): MrqInfo | undefined {
  return /^\d{1,10}$/.test(key) ? mrqs.get(Number(key)) : mrqByName(key);
}
