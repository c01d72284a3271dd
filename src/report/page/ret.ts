import { errorName } from '../../bpmp/wire/index.js';

/** `0` or `-1 EPERM`. */
export function retText(ret: number): string {
  const name = errorName(ret);
  return name === undefined ? String(ret) : `${ret} ${name}`;
}
