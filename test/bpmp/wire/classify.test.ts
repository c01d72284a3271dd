import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  ClkCommand,
  classify,
  DebugCommand,
  Mrq,
  mrqs,
  newShape,
  ShapeStatus,
} from '../../../src/bpmp/wire/index.js';

const { OK, TRUNCATED, UNKNOWN_COMMAND, UNKNOWN_MRQ } = ShapeStatus;

function words(...values: number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(values).buffer);
}

function shapeOf(mrq: number, tx: Uint8Array) {
  return classify(mrq, tx, newShape());
}

function clk(command: number, id: number, length = 16): Uint8Array {
  const tx = new Uint8Array(length);
  new DataView(tx.buffer).setUint32(0, ((command << 24) | id) >>> 0, true);
  return tx;
}

describe('classify', () => {
  it.each(['boot-window', 'boot-ivc', 'userspace'])('takes every request of the trace %s', (name) => {
    const lines = readFileSync(new URL(`../../data/traces/${name}.ndjson`, import.meta.url), 'utf8')
      .trim()
      .split('\n');
    const bad = lines.filter((line) => {
      const { mrq, tx } = JSON.parse(line) as { mrq: number; tx: string };
      return shapeOf(mrq, Buffer.from(tx, 'hex')).status !== OK;
    });
    expect(lines.length).toBeGreaterThan(100);
    expect(bad).toEqual([]);
  });

  it('knows every command at its least length and refuses one byte less', () => {
    for (const { number, hasCommands, place, commands } of mrqs.values()) {
      for (const command of commands) {
        const tx = new Uint8Array(command.minimum);
        const shift = place === 'word-with-clock' ? 24 : place === 'half-word-with-lane' ? 16 : 0;
        if (hasCommands) new DataView(tx.buffer).setUint32(0, (command.number << shift) >>> 0, true);
        expect(shapeOf(number, tx), command.title).toMatchObject({ status: OK, command: command.number });
        if (command.minimum > 0) {
          expect(shapeOf(number, tx.subarray(0, -1)).status, command.title).toBe(TRUNCATED);
        }
        if (command.idKind !== undefined) expect(shapeOf(number, tx).id, command.title).toBe(0);
      }
    }
  });

  it('keeps the clock at 24 bits and the command at 8', () => {
    expect(shapeOf(Mrq.CLK, clk(ClkCommand.ENABLE, 304))).toMatchObject({ status: OK, command: 7, id: 304 });
    expect(shapeOf(Mrq.CLK, clk(ClkCommand.ENABLE, 304 + 0x1000)).id).toBe(304 + 0x1000);
    expect(shapeOf(Mrq.CLK, clk(ClkCommand.ENABLE, 0xffffff)).id).toBe(0xffffff);
    expect(shapeOf(Mrq.CLK, clk(ClkCommand.ENABLE + 16, 304))).toMatchObject({
      status: UNKNOWN_COMMAND,
      command: 23,
    });
    expect(shapeOf(Mrq.CLK, clk(255, 0)).command).toBe(255);
  });

  it('keeps commands and ids of the others at 32 bits', () => {
    expect(shapeOf(Mrq.RESET, words(1, 0xffff_ffff))).toMatchObject({ status: OK, id: 0xffff_ffff });
    expect(shapeOf(Mrq.RESET, words(0x1_0001, 19))).toMatchObject({
      status: UNKNOWN_COMMAND,
      command: 0x1_0001,
    });
    expect(shapeOf(Mrq.PG, words(0x8000_0001, 35, 1))).toMatchObject({ command: 0x8000_0001 });
    expect(shapeOf(Mrq.UPHY, words(0x0002_ffff))).toMatchObject({ status: OK, command: 2, id: 0xffff });
  });

  it('names no resource where the command has none', () => {
    expect(shapeOf(Mrq.CLK, clk(ClkCommand.GET_MAX_CLK_ID, 304)).id).toBe(-1);
    expect(shapeOf(Mrq.PG, words(4, 35)).id).toBe(-1);
    expect(shapeOf(Mrq.PING, words(1)).id).toBe(-1);
    expect(shapeOf(Mrq.QUERY_ABI, words(71)).id).toBe(71);
  });

  it.each([2, 12, 18, 96, 4096, 0xffff_ffff, 2 ** 53, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])(
    'knows no MRQ %d',
    (mrq) => {
      expect(shapeOf(mrq, words(0, 0, 0)).status).toBe(UNKNOWN_MRQ);
    },
  );

  it('wants the end of a text, and of counted bytes, within the payload', () => {
    const open = new Uint8Array(120).fill(0x61);
    open.set(words(DebugCommand.OPEN_RO));
    expect(shapeOf(Mrq.DEBUG, open).status).toBe(TRUNCATED);
    open[119] = 0;
    expect(shapeOf(Mrq.DEBUG, open).status).toBe(OK);
    expect(shapeOf(Mrq.DEBUG, open.subarray(0, 119)).status).toBe(TRUNCATED);
    // The name has 116 bytes at the most, however long the payload.
    const long = new Uint8Array(512).fill(0x61);
    long.set(words(DebugCommand.OPEN_WO));
    long[120] = 0;
    expect(shapeOf(Mrq.DEBUG, long).status).toBe(TRUNCATED);

    expect(shapeOf(Mrq.I2C, words(1, 5, 4, 0)).status).toBe(OK);
    expect(shapeOf(Mrq.I2C, words(1, 5, 5, 0)).status).toBe(TRUNCATED);
    expect(shapeOf(Mrq.I2C, words(1, 5, 0xffff_ffff, 0)).status).toBe(TRUNCATED);
    expect(shapeOf(Mrq.DEBUG, words(3, 1, 109, ...Array(100).fill(0))).status).toBe(TRUNCATED);
    expect(shapeOf(Mrq.BWMGR, words(1, 0, 2, 1, 500, 2, 300)).status).toBe(OK);
    expect(shapeOf(Mrq.BWMGR, words(1, 0, 2, 1, 500, 2)).status).toBe(TRUNCATED);
    expect(shapeOf(Mrq.BWMGR, words(1, 0, 0x2000_0000)).status).toBe(TRUNCATED);
  });

  it('marks the MRQs that pass addresses', () => {
    const passing = [...mrqs.values()].filter((mrq) => mrq.passesAddresses).map((mrq) => mrq.name);
    expect(passing).toEqual(['QUERY_TAG', 'DEBUGFS', 'CPU_VHINT']);
  });
});
