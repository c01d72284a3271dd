import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TransferRecord } from '../../../../src/bpmp/capture/index.js';
import { textLines } from '../../../../src/cli/bpmp/top/terminal/painter.js';
import { clean, fitText, fold, lineWidth, widthOf } from '../../../../src/cli/bpmp/top/view/cells.js';
import { page } from '../../../../src/cli/bpmp/top/view/page.js';
import { screen } from '../../../../src/cli/bpmp/top/view/screen.js';
import { busyApp, liveApp, shown, verdictFilters } from './pictures.js';
import { sample } from './sample.js';

process.env.TZ = 'UTC';

const sizes = [
  [80, 24],
  [120, 40],
] as const;
const keysTo: Readonly<Record<string, readonly string[]>> = {
  overview: [],
  commands: ['2'],
  resources: ['3'],
  denials: ['4', 'down'],
  latency: ['5'],
  holdings: ['6'],
  opened: ['3', 'enter'],
  'opened-denial': ['4', 'enter'],
  help: ['?'],
};

describe.each(sizes)('at %i × %i', (columns, rows) => {
  it.each(Object.entries(keysTo))('%s is as it was drawn', async (name, keys) => {
    const { app, nowMs } = busyApp();
    for (const key of keys) app.press(key, nowMs, 10);
    await expect(shown(app, nowMs, columns, rows)).toMatchFileSnapshot(
      `screens/${name}-${columns}x${rows}.txt`,
    );
  });

  it('a capture is as it was drawn', async () => {
    const { app, nowMs } = busyApp({ origin: { name: 'captures/gpu.pcapng', kind: 'file' } });
    app.setFacts(undefined);
    app.end('whole file');
    await expect(shown(app, nowMs, columns, rows)).toMatchFileSnapshot(`screens/file-${columns}x${rows}.txt`);
  });

  it('a VM that has asked for nothing yet is as it was drawn', async () => {
    await expect(shown(liveApp(), 1_767_225_600_000, columns, rows)).toMatchFileSnapshot(
      `screens/nothing-${columns}x${rows}.txt`,
    );
  });
});

it('shows a mistake in a filter under its place', () => {
  const { app, nowMs } = busyApp();
  for (const key of ['f', 'd', 'e', 'n', 'i', 'enter']) app.press(key, nowMs, 10);
  const lines = shown(app, nowMs, 80, 24).trimEnd().split('\n');
  expect(lines.slice(-2)).toEqual([' filter: deni ', '           ^ no verdict deni']);
  app.press('backspace', nowMs, 10);
  app.press('y', nowMs, 10);
  app.press('enter', nowMs, 10);
  const filtered = shown(app, nowMs, 80, 24);
  expect(filtered).toContain(' that match ');
  expect(filtered.split('\n')[4]).toBe(' filter deny');
  expect(filtered).not.toContain('CLK GET_RATE ');
});

/** Anything that a capture or a guest may hold. */
const hostile = fc.record({
  sequence: fc.nat(),
  vm: fc.string({ unit: 'binary', maxLength: 40 }),
  timeNs: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  mrq: fc.oneof(fc.constant(22), fc.nat(0xffff_ffff)),
  tx: fc.uint8Array({ maxLength: 130 }),
  verdict: fc.constantFrom<TransferRecord['verdict'][]>('allow', 'deny', 'absorb', 'malformed'),
  rule: fc.string({ unit: 'binary', maxLength: 300 }),
  ret: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  rx: fc.uint8Array({ maxLength: 130 }),
  latencyNs: fc.double({ min: 0, max: 1e20, noNaN: true }),
  thread: fc.nat(),
});

it('is never wider or longer than the screen, and says nothing that a terminal obeys', () => {
  const keys = [
    '1',
    '2',
    '3',
    '4',
    '5',
    '6',
    '?',
    'enter',
    'down',
    'right',
    's',
    'p',
    'f',
    'x',
    'enter',
    'escape',
  ];
  fc.assert(
    fc.property(
      fc.array(hostile, { maxLength: 30 }),
      fc.array(fc.constantFrom(...keys), { maxLength: 8 }),
      fc.integer({ min: 1, max: 160 }),
      fc.integer({ min: 1, max: 60 }),
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.boolean(),
      (records, pressed, columns, rows, name, isVm) => {
        const app = liveApp({
          origin: { name, kind: isVm ? 'vm' : 'file' },
          ...verdictFilters,
          fixOf: ({ rule }) => rule,
        });
        app.add(records);
        app.notice(name);
        for (const key of pressed) app.press(key, 1_767_225_600_000, 10);
        const picture = app.picture(1_767_225_600_000);
        const lines = screen(picture, { columns, rows });
        expect(lines).toHaveLength(rows);
        for (const line of lines) expect(lineWidth(line)).toBe(columns);
        const text = [...lines, ...page(picture, Math.max(80, columns))].flat().map(({ text }) => text);
        expect(text.join('')).not.toMatch(/[\p{C}\p{M}\p{Zl}\p{Zp}]/u);
        const ascii = textLines(lines, { colour: false, ascii: true }).join('');
        expect(ascii).toMatch(/^[\u0020-\u007e]*$/);
      },
    ),
    { numRuns: 300 },
  );
});

it('draws the same in ASCII, place for place', () => {
  const { app, nowMs } = busyApp();
  const lines = screen(app.picture(nowMs), { columns: 80, rows: 24 });
  const [unicode, ascii] = [false, true].map((is) => textLines(lines, { colour: false, ascii: is }));
  expect(ascii![1]).toBe(unicode![1]);
  for (const [row, line] of ascii!.entries()) expect(line, `line ${row}`).toMatch(/^[ -~]*$/);
  expect(ascii!.join('\n')).toMatch(/<16 us #+/);
});

describe('cells', () => {
  it('cut and fill texts to their places, wide characters too', () => {
    expect(fitText('GPUSYS', 8)).toBe('GPUSYS  ');
    expect(fitText('GPUSYS', 8, 'right')).toBe('  GPUSYS');
    expect(fitText('GPUSYS', 4)).toBe('GPU…');
    expect(fitText('電源管理', 6)).toBe('電源… ');
    expect(fitText('電源管理', 7)).toBe('電源管…');
    expect(widthOf('電源')).toBe(4);
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(40), (text, width) => {
        expect(widthOf(fitText(clean(text), width))).toBe(width);
      }),
    );
  });

  it('fold words into lines', () => {
    expect(fold('clocks: {EMC: use}', 12)).toEqual(['clocks:', '{EMC: use}']);
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 2, max: 40 }), (text, width) => {
        for (const line of fold(text, width)) expect(widthOf(line)).toBeLessThanOrEqual(width);
      }),
    );
  });
});

it('prints a page of everything', async () => {
  const { app, nowMs } = busyApp();
  app.add(sample({ count: 3, seed: 3 }));
  const lines = textLines(page(app.picture(nowMs), 80), { colour: false, ascii: false });
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot('screens/page.txt');
});
