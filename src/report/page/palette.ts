import { outcomes } from '../data/outcome.js';

/** The colours of the style sheet, for canvases. */
export interface Palette {
  readonly text: string;
  readonly dim: string;
  readonly line: string;
  readonly back: string;
  readonly band: string;
  readonly accent: string;
  readonly hold: string;
  readonly p50: string;
  readonly p99: string;
  /** By the outcome's number. */
  readonly outcomes: readonly string[];
}

let current: Palette | undefined;

export function palette(): Palette {
  if (current) return current;
  const style = getComputedStyle(document.documentElement);
  const of = (name: string) => style.getPropertyValue(`--${name}`).trim();
  current = {
    text: of('text'),
    dim: of('dim'),
    line: of('line'),
    back: of('back'),
    band: of('band'),
    accent: of('accent'),
    hold: of('hold'),
    p50: of('p50'),
    p99: of('p99'),
    outcomes: outcomes.map((name) => of(name)),
  };
  return current;
}

/** Calls back when the colours have changed: dark to light, or for paper. */
export function onTheme(run: () => void): void {
  const changed = () => {
    current = undefined;
    run();
  };
  window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', changed);
  window.matchMedia('print').addEventListener('change', changed);
}

/** Red, green, blue of `#rrggbb`. */
export function rgb(colour: string): readonly [number, number, number] {
  const value = Number.parseInt(colour.slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}
