const KIB = 1024n;
const SIZE_UNITS: Readonly<Record<string, bigint>> = {
  K: KIB,
  M: KIB ** 2n,
  G: KIB ** 3n,
  T: KIB ** 4n,
};

/** Bytes from "512M", "4G" (powers of 1024; KiB, MiB … mean the same); undefined where it is no size. */
export function parseSize(text: string): bigint | undefined {
  const match = /^(\d{1,15})\s*([KMGT])(?:iB)?$/i.exec(text.trim());
  const unit = match && SIZE_UNITS[match[2]!.toUpperCase()];
  return unit ? BigInt(match[1]!) * unit : undefined;
}

const DURATION_UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, min: 60_000, h: 3_600_000 };

/** The longest that a timer takes is 2^31 - 1 ms. */
const MAX_DURATION_MS = 24 * 3_600_000;

/** Milliseconds from "500ms", "20s", "2min"; undefined where it is no duration, or above a day. */
export function parseDurationMs(text: string): number | undefined {
  const match = /^(\d{1,9}(?:\.\d{1,6})?)\s*(ms|s|min|h)$/.exec(text.trim());
  if (!match) return undefined;
  const ms = Number(match[1]) * DURATION_UNITS_MS[match[2]!]!;
  return ms <= MAX_DURATION_MS ? Math.round(ms) : undefined;
}

/** An address from 0x10800000, as YAML read it or as text; undefined where it is none. */
export function parseAddress(value: number | string): bigint | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? BigInt(value) : undefined;
  return /^0x[0-9a-f]{1,16}$/i.test(value) ? BigInt(value) : undefined;
}
