import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { SimulatedBpmp } from '../../../../src/bpmp/backend/index.js';
import { tegra234 } from '../../../../src/bpmp/tegra234/index.js';
import { BpmpError, ClkCommand, Mrq } from '../../../../src/bpmp/wire/index.js';
import { ask, askClk, clk, clkRate } from '../request.js';

const id = (name: string): number => tegra234.clocks.idOf(name)!;
let bpmp: SimulatedBpmp;
const rateOf = (name: string) => askClk(bpmp, ClkCommand.GET_RATE, id(name)).u64();
const setRate = (name: string, hz: number) => ask(bpmp, Mrq.CLK, clkRate(ClkCommand.SET_RATE, id(name), hz));

beforeEach(() => {
  bpmp = new SimulatedBpmp();
});

describe('MRQ_CLK', () => {
  it('answers GET_ALL_INFO with exactly the structure of the ABI', () => {
    const { ret, rx } = askClk(bpmp, ClkCommand.GET_ALL_INFO, id('GPUSYS'));
    expect(ret).toBe(0);
    expect(rx).toHaveLength(113);
    const view = new DataView(rx.buffer);
    expect(view.getUint32(0, true)).toBe(0b011);
    expect(view.getUint32(4, true)).toBe(id('NAFLL_GPUSYS'));
    expect(rx[72]).toBe(3);
    expect([8, 12, 16].map((at) => view.getUint32(at, true))).toEqual(
      ['NAFLL_GPUSYS', 'PLLP_OUT0', 'CLK_M'].map(id),
    );
    expect(Buffer.from(rx.subarray(73, 80)).toString()).toBe('gpusys\0');
  });

  it('sets the GPU clock down to a step, and through the gate the loop behind it', () => {
    const { ret, u64 } = setRate('GPC0CLK', 1_300_000_000);
    expect([ret, u64()]).toEqual([0, 1_287_750_000]);
    expect(rateOf('GPC0CLK')).toBe(1_287_750_000);
    expect(rateOf('NAFLL_GPC0')).toBe(1_287_750_000);
    expect(rateOf('GPC1CLK')).toBe(114_750_000);
    expect(setRate('GPC0CLK', 2 ** 60).u64()).toBe(1_300_500_000);
    expect(setRate('GPC0CLK', 0).u64()).toBe(114_750_000);
  });

  it('lets a child of a divider follow its parent', () => {
    expect(rateOf('PLLP_DIV17')).toBe(24_000_000);
    expect(setRate('PLLA', 589_824_000).ret).toBe(0);
    expect(rateOf('PLLA_OUT0')).toBe(98_304_000);
    expect(rateOf('I2S1')).toBe(6_144_000);
  });

  it('changes parents to listed ones alone, and the rate with them', () => {
    expect(askClk(bpmp, ClkCommand.SET_PARENT, id('VIC'), id('PLLP_OUT0'))).toMatchObject({
      ret: 0,
      rxSize: 4,
    });
    expect(rateOf('VIC')).toBe(408_000_000);
    expect(askClk(bpmp, ClkCommand.GET_PARENT, id('VIC')).u32(0)).toBe(id('PLLP_OUT0'));
    expect(setRate('VIC', 200_000_000).u64()).toBe(408_000_000);
    for (const parent of [id('OSC'), 0, 0xffff_ffff, id('VIC')]) {
      expect(askClk(bpmp, ClkCommand.SET_PARENT, id('VIC'), parent).ret).toBe(BpmpError.EINVAL);
    }
  });

  it('keeps what the CPU asked for: neither counted nor passed on to parents', () => {
    const isOn = (name: string) => askClk(bpmp, ClkCommand.IS_ENABLED, id(name)).u32(0);
    expect(isOn('GPUSYS')).toBe(0);
    askClk(bpmp, ClkCommand.ENABLE, id('GPUSYS'));
    askClk(bpmp, ClkCommand.ENABLE, id('GPUSYS'));
    expect([isOn('GPUSYS'), isOn('NAFLL_GPUSYS')]).toEqual([1, 0]);
    askClk(bpmp, ClkCommand.DISABLE, id('GPUSYS'));
    expect(isOn('GPUSYS')).toBe(0);
  });

  it('denies what is the firmware’s own', () => {
    const all = id('NAFLL_CLUSTER0_CORE');
    expect(askClk(bpmp, ClkCommand.DISABLE, all).ret).toBe(BpmpError.EACCES);
    expect(askClk(bpmp, ClkCommand.ENABLE, all).ret).toBe(BpmpError.EACCES);
    expect(setRate('NAFLL_BPMP', 1e9).ret).toBe(BpmpError.EACCES);
    expect(askClk(bpmp, ClkCommand.ENABLE, id('NAFLL_BPMP')).ret).toBe(0);
    expect(askClk(bpmp, ClkCommand.SET_PARENT, id('AXI_CBB'), id('PLLP_OUT0')).ret).toBe(BpmpError.EACCES);
  });

  it('refuses what it cannot do, by the command and at full width', () => {
    expect(setRate('OSC', 1e6).ret).toBe(BpmpError.EINVAL);
    expect(ask(bpmp, Mrq.CLK, clkRate(ClkCommand.ROUND_RATE, id('OSC'), 1e6)).u64()).toBe(38_400_000);
    for (const hole of [0, 13, 43, 477, id('GPUSYS') + 0x1000, 0xff_ffff]) {
      for (const command of [1, 2, 3, 4, 5, 6, 7, 8, 14, 16]) {
        expect(ask(bpmp, Mrq.CLK, clk(command, hole, 0, 0, 0))).toMatchObject({
          ret: BpmpError.EINVAL,
          rxSize: 0,
        });
      }
    }
    for (const command of [0, 9, 13, 17, 0x17, 255]) {
      expect(askClk(bpmp, command, id('GPUSYS')).ret).toBe(BpmpError.EBADCMD);
    }
    const short: [number, number][] = [
      [ClkCommand.SET_RATE, 15],
      [ClkCommand.ROUND_RATE, 15],
      [ClkCommand.SET_PARENT, 7],
      [ClkCommand.GET_RATE, 3],
    ];
    for (const [command, length] of short) {
      const tx = clk(command, id('GPC0CLK'), 0, 0, 0).subarray(0, length);
      expect(ask(bpmp, Mrq.CLK, tx).ret).toBe(BpmpError.EINVAL);
    }
    const negative = clk(ClkCommand.SET_RATE, id('GPC0CLK'), 0, 0, 0x8000_0000);
    expect(ask(bpmp, Mrq.CLK, negative).ret).toBe(BpmpError.EINVAL);
  });

  it('rounds to a rate that setting gives, that rounds to itself, and is never more than asked if it can be', () => {
    const rate = fc.oneof(fc.nat(4_000_000), fc.integer({ min: 0, max: 6_000_000_000 }));
    fc.assert(
      fc.property(fc.constantFrom(...tegra234.clocks.ids), rate, (clock, hz) => {
        const round = (to: number) => ask(bpmp, Mrq.CLK, clkRate(ClkCommand.ROUND_RATE, clock, to)).u64();
        const rounded = round(hz);
        expect(round(rounded)).toBe(rounded);
        const set = ask(bpmp, Mrq.CLK, clkRate(ClkCommand.SET_RATE, clock, hz));
        if (set.ret !== 0) return;
        expect(set.u64()).toBe(rounded);
        expect(askClk(bpmp, ClkCommand.GET_RATE, clock).u64()).toBe(rounded);
        if (rounded > hz) expect(rounded).toBe(round(0));
      }),
      { numRuns: 2_000 },
    );
  });
});
