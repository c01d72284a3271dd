import { describe, expect, it } from 'vitest';
import { SimulatedBpmp } from '../../../../src/bpmp/backend/index.js';
import { tegra234 } from '../../../../src/bpmp/tegra234/index.js';
import { BpmpError, ClkCommand, Mrq, PgCommand, ResetCommand } from '../../../../src/bpmp/wire/index.js';
import { ask, askClk, clk, clkRate, words } from '../request.js';

const id = (name: string): number => tegra234.clocks.idOf(name)!;

describe('latency and faults', () => {
  it('answers at once unless told otherwise', () => {
    expect(new SimulatedBpmp().transfer(Mrq.PING, words(1), new Uint8Array(4))).toEqual({
      ret: 0,
      rxSize: 4,
    });
  });

  it('takes its time, and draws the same times from the same seed', async () => {
    const bpmp = new SimulatedBpmp({ latencyUs: 5_000 });
    const rx = new Uint8Array(4);
    const started = performance.now();
    expect(await bpmp.transfer(Mrq.PING, words(1), rx)).toEqual({ ret: 0, rxSize: 4 });
    expect(performance.now() - started).toBeGreaterThanOrEqual(4.9);
    expect(rx[0]).toBe(2);
    const short = new SimulatedBpmp({ latencyUs: { min: 50, max: 100 }, seed: 7 });
    await short.transfer(Mrq.PING, words(1), rx);
  });

  it('fails the requests that match, and only those', () => {
    const bpmp = new SimulatedBpmp({
      faults: [
        { mrq: Mrq.CLK, command: ClkCommand.ENABLE, id: id('GPUSYS'), ret: BpmpError.EIO, times: 2 },
        { mrq: Mrq.PG, command: PgCommand.SET_STATE, ret: BpmpError.EBUSY, every: 2 },
      ],
    });
    const enable = () => askClk(bpmp, ClkCommand.ENABLE, id('GPUSYS')).ret;
    expect([enable(), enable()]).toEqual([BpmpError.EIO, BpmpError.EIO]);
    expect(bpmp.diff()).toEqual([]);
    expect(enable()).toBe(0);
    expect(askClk(bpmp, ClkCommand.ENABLE, id('VIC')).ret).toBe(0);
    const power = () => ask(bpmp, Mrq.PG, words(PgCommand.SET_STATE, 35, 1)).ret;
    expect([power(), power(), power(), power()]).toEqual([0, BpmpError.EBUSY, 0, BpmpError.EBUSY]);
  });

  it('hangs until it is closed', async () => {
    const bpmp = new SimulatedBpmp({ faults: [{ mrq: Mrq.PING, hang: true, times: 1 }] });
    const hung = bpmp.transfer(Mrq.PING, words(1), new Uint8Array(4));
    expect(hung).toBeInstanceOf(Promise);
    expect(bpmp.transfer(Mrq.PING, words(1), new Uint8Array(4))).toEqual({ ret: 0, rxSize: 4 });
    bpmp.close();
    expect(await hung).toEqual({ ret: -19, rxSize: 0 });
    expect(bpmp.transfer(Mrq.PING, words(1), new Uint8Array(4))).toEqual({ ret: -19, rxSize: 0 });
  });
});

describe('state', () => {
  it('is plain, and the same for every new one', () => {
    const state = new SimulatedBpmp().state();
    expect(JSON.parse(JSON.stringify(state))).toEqual(state);
    expect(new SimulatedBpmp().state()).toEqual(state);
    expect(Object.keys(state.clocks)).toHaveLength(435);
  });

  it('says by name what is not as at power-on', () => {
    const bpmp = new SimulatedBpmp();
    askClk(bpmp, ClkCommand.ENABLE, id('GPC0CLK'));
    ask(bpmp, Mrq.CLK, clkRate(ClkCommand.SET_RATE, id('GPC0CLK'), 510_000_000));
    ask(bpmp, Mrq.PG, words(PgCommand.SET_STATE, tegra234.powerDomains.idOf('GPU')!, 1));
    ask(bpmp, Mrq.RESET, words(ResetCommand.DEASSERT, tegra234.resets.idOf('GPU')!));
    const before = bpmp.state();
    expect(
      bpmp.diff().map(({ kind, name, what, before, after }) => [kind, name, what, before, after]),
    ).toEqual([
      ['clock', 'GPC0CLK', 'enabled', false, true],
      ['clock', 'GPC0CLK', 'rate', 114_750_000, 510_000_000],
      ['clock', 'NAFLL_GPC0', 'rate', 114_750_000, 510_000_000],
      ['reset', 'GPU', 'asserted', true, false],
      ['power-domain', 'GPU', 'on', false, true],
    ]);
    expect(before.requests).toEqual({ 20: 1, 22: 2, 66: 1 });
    askClk(bpmp, ClkCommand.DISABLE, id('GPC0CLK'));
    expect(bpmp.diff(before)).toHaveLength(1);
  });

  it('counts what no MRQ is as others', () => {
    const bpmp = new SimulatedBpmp();
    ask(bpmp, 1000, clk(1, 1));
    expect(bpmp.state().requests).toEqual({ other: 1 });
  });
});
