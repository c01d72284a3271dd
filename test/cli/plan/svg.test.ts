import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { geometryOf } from '../../../src/cli/plan/svg/geometry.js';
import { drawMemoryMap } from '../../../src/cli/plan/svg/index.js';
import { LINE_HEIGHT, PANEL_HEIGHT, panelsOf } from '../../../src/cli/plan/svg/panels.js';
import type { MapEntry, MapKind } from '../../../src/vm/plan/index.js';

const kinds: MapKind[] = ['ram', 'bus', 'device', 'carve-out', 'bridge', 'pci', 'board'];

const entry = (name: string, address: bigint, size: bigint, more: Partial<MapEntry> = {}): MapEntry => ({
  name,
  kind: 'device',
  address,
  size,
  ...more,
});

const orin: MapEntry[] = [
  entry('flash', 0n, 0x800_0000n, { kind: 'board' }),
  entry('UART', 0x900_0000n, 0x1000n, { kind: 'board' }),
  entry('clock', 0x901_0000n, 0x1000n, { kind: 'board' }),
  entry('bus', 0x6000_0000n, 0x1f_c000_0000n, { kind: 'bus' }),
  entry('carve-out', 0x8000_0000n, 0x3000_0000n, { kind: 'carve-out', inside: 'bus' }),
  entry('gpu', 0x6400_0000n, 0x100_0000n, { inside: 'bus' }),
  entry('vic', 0x6500_0000n, 0x1000n, { inside: 'bus' }),
  entry('RAM', 0x20_0000_0000n, 0x1_0000_0000n, { kind: 'ram' }),
  entry('PCI', 0x80_0000_0000n, 0x80_0000_0000n, { kind: 'pci' }),
].toSorted((a, b) => Number(a.address - b.address));

const anyMap = fc
  .array(
    fc
      .record({
        name: fc.string({ unit: 'binary', maxLength: 40 }),
        kind: fc.constantFrom(...kinds),
        address: fc.oneof(fc.bigInt(0n, 1n << 20n), fc.bigInt(0n, 1n << 40n)),
        size: fc.oneof(fc.bigInt(1n, 1n << 16n), fc.bigInt(1n, 1n << 39n)),
        inside: fc.constantFrom(undefined, 'bus' as const),
      })
      .map(({ inside, ...rest }): MapEntry => (inside ? { ...rest, inside } : rest)),
    { maxLength: 60 },
  )
  .map((map) => map.toSorted((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0)));

function larger(a: bigint, b: bigint): bigint {
  if (a > b) return a;
  return b;
}

/** Reads a document as an XML parser would, as far as this one needs it; throws where it is not well-formed. */
function elements(xml: string): { name: string; attributes: Record<string, string> }[] {
  const found: { name: string; attributes: Record<string, string> }[] = [];
  const open: string[] = [];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those that XML does not allow
  if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/.test(xml)) throw new Error('a control character');
  const body = xml.replace(/^<\?xml [^?]*\?>\s*/, '');
  for (const [whole, text] of body.matchAll(/<[^>]*>|([^<]+)/g)) {
    if (text !== undefined) {
      if (/&(?!#\d+;)/.test(text)) throw new Error(`a bare &: ${text}`);
      continue;
    }
    const match = /^<(\/?)([a-z]+)((?: [\w:-]+="[^"<]*")*)(\/?)>$/.exec(whole);
    if (!match) throw new Error(`no tag: ${whole}`);
    const [, closing, name, attributes, single] = match;
    if (closing) {
      if (open.pop() !== name) throw new Error(`</${name}> closes another`);
      continue;
    }
    const pairs = [...attributes!.matchAll(/ ([\w:-]+)="([^"]*)"/g)].map(([, key, value]) => [key, value]);
    found.push({ name: name!, attributes: Object.fromEntries(pairs) });
    if (!single) open.push(name!);
  }
  if (open.length > 0) throw new Error(`${open.join()} left open`);
  return found;
}

describe("the drawing of a guest's memory", () => {
  it('begins with all of it, and shows the small parts in panels of their own', () => {
    const panels = panelsOf(orin);
    expect(panels[0]).toMatchObject({ letter: 'A', from: 0n, size: 1n << 40n });
    // Every range is, in some panel, either as high as its name or alone among its neighbours.
    for (const each of orin) {
      const isNamed = panels.some(
        ({ entries, clusters }) =>
          entries.includes(each) && !clusters.some((cluster) => cluster.entries.includes(each)),
      );
      expect(isNamed, each.name).toBe(true);
    }
    for (const { clusters } of panels) for (const { letter } of clusters) expect(letter).toMatch(/^[A-L]$/);
  });

  it('is to scale, in each panel', () => {
    fc.assert(
      fc.property(anyMap, (map) => {
        const panels = panelsOf(map);
        geometryOf(map).panels.forEach(({ boxes, barY }, index) => {
          const { from, size, entries } = panels[index]!;
          boxes.forEach(({ y, height }, at) => {
            const { address, size: length } = entries[at]!;
            const start = larger(address, from);
            const end = -larger(-address - length, -from - size);
            expect(height).toBeCloseTo((Number(end - start) / Number(size)) * PANEL_HEIGHT, 3);
            expect(y - barY).toBeCloseTo((Number(start - from) / Number(size)) * PANEL_HEIGHT, 3);
            expect(y - barY + height).toBeLessThanOrEqual(PANEL_HEIGHT + 0.001);
          });
        });
      }),
      { numRuns: 60 },
    );
  });

  it('has no name on top of another, none outside, and no panel on top of another', () => {
    fc.assert(
      fc.property(anyMap, (map) => {
        const { panels, width, height } = geometryOf(map);
        for (const { labels, y, height: own, barY, x } of panels) {
          labels.forEach((label, index) => {
            const before = labels[index - 1];
            if (before) expect(label.y - before.y).toBeGreaterThan(LINE_HEIGHT - 0.001);
            expect(label.y).toBeGreaterThanOrEqual(barY);
            expect(label.y + LINE_HEIGHT / 2).toBeLessThanOrEqual(y + own + 0.001);
            // 6.7 pixels to a character of 11 pixels' monospace.
            expect(label.x + label.text.length * 6.7).toBeLessThan(x + 500);
          });
          expect(y + own).toBeLessThan(height);
          expect(x + 500).toBeLessThanOrEqual(width);
        }
        for (const [index, { x, y, height: own }] of panels.entries()) {
          for (const other of panels.slice(index + 1)) {
            if (other.x === x) expect(other.y).toBeGreaterThan(y + own);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it('is well-formed XML, whatever the names are', () => {
    fc.assert(
      fc.property(anyMap, fc.string({ unit: 'binary', maxLength: 20 }), (memoryMap, name) => {
        expect(elements(drawMemoryMap({ name, memoryMap }))[0]!.name).toBe('svg');
      }),
      { numRuns: 100 },
    );
  });

  it('explains its colours, and is drawn for light and for dark', () => {
    const svg = drawMemoryMap({ name: 'a <b> & "c"', memoryMap: orin });
    const used = new Set(orin.map(({ kind }) => kind));
    const classes = elements(svg).map(({ attributes }) => attributes.class ?? '');
    for (const kind of used) {
      expect(classes.filter((each) => each === `box ${kind}`).length).toBeGreaterThan(1);
      expect(svg.split(`.${kind} { fill:`)).toHaveLength(3);
    }
    expect(svg).toContain('prefers-color-scheme: dark');
    expect(svg).toContain('a &#60;b&#62; &#38; &#34;c&#34;: the guest&#39;s memory');
    expect(svg).toContain('1 pixel = 1.97 GiB');
  });
});
