import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Frames } from '../../../../src/cli/bpmp/top/terminal/frames.js';
import { KeyReader } from '../../../../src/cli/bpmp/top/terminal/keys.js';
import { Painter, textLines } from '../../../../src/cli/bpmp/top/terminal/painter.js';
import { type CellLine, fitLine, span } from '../../../../src/cli/bpmp/top/view/cells.js';
import { screen } from '../../../../src/cli/bpmp/top/view/screen.js';
import { busyApp } from './pictures.js';
import { sample } from './sample.js';
import { TinyTerminal } from './tiny-terminal.js';

const ESC = '\u001b';

describe('KeyReader', () => {
  const read = (...chunks: string[]) => {
    const reader = new KeyReader();
    return [...chunks.flatMap((chunk) => reader.read(Buffer.from(chunk))), ...reader.flush()];
  };

  it('knows keys and characters', () => {
    expect(read(`a${ESC}[A${ESC}OB\t${ESC}[Z\r\u007f\u0003µ${ESC}[5~${ESC}[H`)).toEqual([
      ...['a', 'up', 'down', 'tab', 'shift-tab', 'enter', 'backspace', 'ctrl-c', 'µ', 'pageup', 'home'],
    ]);
  });

  it('puts together what comes in pieces, and takes an Escape that nothing follows for itself', () => {
    expect(read(ESC, '[', 'A')).toEqual(['up']);
    expect(read(ESC)).toEqual(['escape']);
    expect(read('x', ESC)).toEqual(['x', 'escape']);
    const [first, second] = [Buffer.from('µ').subarray(0, 1), Buffer.from('µ').subarray(1)];
    const reader = new KeyReader();
    expect([...reader.read(first), ...reader.read(second)]).toEqual(['µ']);
  });

  it('passes over what it does not know, such as a mouse or a paste', () => {
    expect(read(`${ESC}[<0;10;10M${ESC}[200~x${ESC}[1;5C`)).toEqual(['x']);
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 5 }), (chunks) => {
        const reader = new KeyReader();
        for (const chunk of chunks) for (const key of reader.read(chunk)) expect(key).not.toContain(ESC);
      }),
    );
  });
});

describe('Painter', () => {
  const looks = { colour: true, ascii: false };
  const text = fc.array(
    fc.tuple(
      fc.constantFrom('a', 'b', ' ', '電', 'µ', '█'),
      fc.constantFrom('plain', 'deny', 'bar' as const),
    ),
    { maxLength: 24 },
  );
  const line = text.map(
    (cells): CellLine =>
      fitLine(
        cells.map(([character, style]) => span(character, style as 'plain')),
        20,
      ),
  );

  it('brings any screen to be seen after any other, sending only what has changed', () => {
    fc.assert(
      fc.property(fc.array(fc.array(line, { minLength: 4, maxLength: 4 }), { maxLength: 6 }), (screens) => {
        const painter = new Painter(looks);
        const terminal = new TinyTerminal(20, 4);
        for (const lines of screens) {
          terminal.take(painter.paint(lines));
          const fresh = new TinyTerminal(20, 4);
          fresh.take(new Painter(looks).paint(lines));
          expect(terminal.cells).toEqual(fresh.cells);
          expect(painter.paint(lines)).toBe('');
        }
      }),
    );
  });

  it('sends little for what changes from one moment to the next', () => {
    const { app, nowMs } = busyApp();
    const size = { columns: 80, rows: 24 };
    const painter = new Painter(looks);
    const whole = painter.paint(screen(app.picture(nowMs), size)).length;
    app.add(sample({ count: 10, seed: 3 }));
    const next = painter.paint(screen(app.picture(nowMs + 500), size)).length;
    expect(next).toBeLessThan(whole / 2);
    painter.forget();
    expect(painter.paint(screen(app.picture(nowMs + 500), size)).length).toBeGreaterThan(next);
  });

  it('has no colour where none is wanted, but what stands out by itself', () => {
    const { app, nowMs } = busyApp();
    const sent = new Painter({ colour: false, ascii: false }).paint(
      screen(app.picture(nowMs), { columns: 80, rows: 24 }),
    );
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what a terminal is sent
    expect(sent).not.toMatch(/\u001b\[[0-9;]*3\dm/);
    expect(sent).toContain('\u001b[0;7m');
    expect(textLines([[span('x', 'deny')]], { colour: false, ascii: false })).toEqual(['x']);
    expect(textLines([[span('x ', 'deny')]], looks)).toEqual(['\u001b[31mx\u001b[0m']);
  });
});

describe('Frames', () => {
  it('leave out what a slow terminal cannot show, and show the newest', async () => {
    const written: string[] = [];
    const waiting: (() => void)[] = [];
    let now = 0;
    const frames = new Frames(
      () => `frame ${now}`,
      (frame) => {
        written.push(frame);
        return new Promise((resolve) => waiting.push(resolve));
      },
    );
    for (now = 1; now <= 100; now++) frames.draw();
    expect(written).toEqual(['frame 1']);
    waiting.shift()!();
    await new Promise((resolve) => setImmediate(resolve));
    expect(written).toEqual(['frame 1', 'frame 101']);
    waiting.shift()!();
    await new Promise((resolve) => setImmediate(resolve));
    expect(written).toHaveLength(2);
  });
});
