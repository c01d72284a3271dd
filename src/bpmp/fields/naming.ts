import { type Unit, withoutUnit } from '../wire/index.js';

/** `rateHz` → `rate_hz`, `sum_niso_bwKBps` → `sum_niso_bw_kbps`, `powerDomain` → `power_domain`. */
export function snakeCase(name: string): string {
  const stem = withoutUnit(name);
  const unit = name.slice(stem.length);
  const snake = stem.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase();
  return unit === '' ? snake : `${snake}_${unit.toLowerCase()}`;
}

/** `rateHz` → "rate"; the unit is said elsewhere. */
export function words(name: string): string {
  return snakeCase(withoutUnit(name)).replaceAll('_', ' ');
}

export function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

const unitTexts: Record<Unit, string> = {
  Hz: 'Hz',
  kHz: 'kHz',
  kBps: 'kB/s',
  milliC: 'thousandths of a degree Celsius',
  ns: 'ns',
  mW: 'mW',
};

export function unitText(unit: Unit): string {
  return unitTexts[unit];
}

/** Kinds of resources that are better known by their MRQ. */
const short: Readonly<Record<string, string>> = { clock: 'clk', powerDomain: 'pg' };

/** What a resource's fields begin with: `bpmp.clk`, `bpmp.reset`, `bpmp.thermal_zone`. */
export function resourcePrefix(kind: string): string {
  return `bpmp.${short[kind] ?? snakeCase(kind)}`;
}
