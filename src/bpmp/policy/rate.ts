const UNITS = [
  ['GHz', 9],
  ['MHz', 6],
  ['kHz', 3],
  ['Hz', 0],
] as const;

/**
 * A rate in Hz: `1300000000`, or with its unit, `1.3 GHz`. A sentence of what is wrong where it is none. Rates are
 * whole and at most 2^53 - 1 Hz, so that a comparison with the firmware's s64 is exact.
 */
export function parseRate(value: unknown): number | string {
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value) && value > 0) return value;
    return `${value} is not a rate: a whole number of Hz above 0, or with a unit, such as 1.3 GHz`;
  }
  if (typeof value !== 'string') return 'a rate is a number of Hz, or with a unit, such as 1.3 GHz';
  const shown = JSON.stringify(value.slice(0, 40));
  const match = /^(\d{1,20})(?:\.(\d{1,20}))?\s*([a-z]*)$/i.exec(value.trim());
  if (match === null) return `${shown} is not a rate: write it with its unit, such as 1.3 GHz`;
  const [, whole = '', fraction = '', unit = ''] = match;
  const known = UNITS.find(([name]) => name.toLowerCase() === unit.toLowerCase());
  if (known === undefined) {
    return unit === ''
      ? `${shown} has no unit: write Hz, kHz, MHz or GHz`
      : `${shown} has an unknown unit: write Hz, kHz, MHz or GHz`;
  }
  const digits = fraction.padEnd(known[1], '0');
  if (/[1-9]/.test(digits.slice(known[1]))) return `${shown} is not a whole number of Hz`;
  const hz = Number(whole + digits.slice(0, known[1]));
  if (hz > 0 && Number.isSafeInteger(hz)) return hz;
  return `${shown} is out of range: rates go from 1 Hz to ${Number.MAX_SAFE_INTEGER} Hz`;
}

/** The rate as a policy writes it, exactly: `1.3 GHz`. */
export function formatRate(hz: number): string {
  const digits = String(hz);
  const [name, power] = UNITS.find(([, exponent]) => digits.length > exponent) ?? UNITS[3];
  const whole = digits.slice(0, digits.length - power);
  const fraction = power === 0 ? '' : digits.slice(-power).replace(/0+$/, '');
  return `${whole}${fraction === '' ? '' : `.${fraction}`} ${name}`;
}
