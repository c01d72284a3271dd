import { OptionCode } from './numbers.js';

/** Calls for each option until the last; false where they do not fit into their block. */
export function forEachOption(
  view: DataView,
  start: number,
  end: number,
  little: boolean,
  each: (code: number, at: number, length: number) => void,
): boolean {
  for (let at = start; at < end; ) {
    if (end - at < 4) return false;
    const code = view.getUint16(at, little);
    const length = view.getUint16(at + 2, little);
    if (code === OptionCode.END) return true;
    if (length > end - at - 4) return false;
    each(code, at + 4, length);
    at += 4 + ((length + 3) & ~3);
  }
  return true;
}
