import { beforeEach, describe, expect, it } from 'vitest';
import { SimulatedBpmp } from '../../../../src/bpmp/backend/index.js';
import { tegra234 } from '../../../../src/bpmp/tegra234/index.js';
import { BpmpError, ClkCommand, DebugCommand, Mrq } from '../../../../src/bpmp/wire/index.js';
import { openDebug, readDebug } from '../linux-boot.js';
import { ask, askClk, clkRate, words } from '../request.js';

let bpmp: SimulatedBpmp;
const read = (path: string) =>
  Buffer.from(readDebug((mrq, tx, capacity) => ask(bpmp, mrq, tx, capacity), path)).toString('latin1');

function write(path: string, text: string): number {
  const opened = ask(bpmp, Mrq.DEBUG, openDebug(path, DebugCommand.OPEN_WO));
  if (opened.ret !== 0) return opened.ret;
  const tx = new Uint8Array(12 + text.length);
  tx.set(words(DebugCommand.WRITE, opened.u32(0), text.length));
  tx.set(Buffer.from(text), 12);
  const { ret } = ask(bpmp, Mrq.DEBUG, tx);
  ask(bpmp, Mrq.DEBUG, words(DebugCommand.CLOSE, opened.u32(0)));
  return ret;
}

beforeEach(() => {
  bpmp = new SimulatedBpmp();
});

describe('MRQ_DEBUG', () => {
  it('lists a directory as attributes and names', () => {
    expect(read('/clk/osc/')).toBe(
      ['\x80\x01\0\0rate', '\x80\x01\0\0state', '\x80\x01\0\0parent', '\x80\x01\0\0mrq_rate_locked']
        .concat(['\0\x01\0\0max_rate', '\0\x01\0\0min_rate'])
        .map((entry) => `${entry}\0`)
        .join(''),
    );
    expect(read('/')).toContain('\0\x03\0\0clk\0');
    expect(read('/clk').length).toBeLessThan(16_384);
  });

  it('shows and changes clocks', () => {
    expect([read('/clk/gpusys/state'), read('/clk/gpusys/parent')]).toEqual(['0\n', 'nafll_gpusys\n']);
    expect(write('/clk/gpusys/state', '1\n')).toBe(0);
    expect(write('/clk/gpusys/parent', 'pllp_out0')).toBe(0);
    expect(bpmp.state().clocks.GPUSYS).toEqual({
      id: 304,
      enabled: true,
      rate: 408_000_000,
      parent: 'PLLP_OUT0',
    });
    expect(write('/clk/gpc0clk/rate', '612000000\n')).toBe(0);
    expect(read('/clk/gpc0clk/rate')).toBe('612000000\n');
    expect(write('/clk/gpc0clk/rate', 'fast')).toBe(BpmpError.EINVAL);
    expect(write('/clk/gpusys/parent', 'osc')).toBe(BpmpError.EINVAL);
    expect(read('/thermal/cv0/temp')).toBe('-256000\n');
    expect(Number(read('/uptime'))).toBeGreaterThan(0);
  });

  it('fixes a rate against MRQ_CLK', () => {
    expect(write('/clk/emc/mrq_rate_locked', '1')).toBe(0);
    const set = ask(bpmp, Mrq.CLK, clkRate(ClkCommand.SET_RATE, tegra234.clocks.idOf('EMC')!, 204_000_000));
    expect([set.ret, set.u64()]).toEqual([0, 3_199_000_000]);
    expect(bpmp.diff()).toEqual([
      { kind: 'clock', name: 'EMC', what: 'rate locked', before: false, after: true },
    ]);
  });

  it('gives one descriptor at a time, and knows a stale one', () => {
    const { u32 } = ask(bpmp, Mrq.DEBUG, openDebug('/tag'));
    expect(bpmp.state().openFiles).toEqual([{ path: '/tag', mode: 'read' }]);
    expect(ask(bpmp, Mrq.DEBUG, openDebug('/uptime')).ret).toBe(BpmpError.EBUSY);
    const fd = u32(0);
    expect(ask(bpmp, Mrq.DEBUG, words(DebugCommand.WRITE, fd, 0)).ret).toBe(BpmpError.EACCES);
    expect(ask(bpmp, Mrq.DEBUG, words(DebugCommand.READ, fd + 1)).ret).toBe(BpmpError.EBADSLT);
    expect(ask(bpmp, Mrq.DEBUG, words(DebugCommand.CLOSE, fd)).ret).toBe(0);
    expect(ask(bpmp, Mrq.DEBUG, words(DebugCommand.READ, fd)).ret).toBe(BpmpError.EBADSLT);
    expect(bpmp.diff()).toEqual([]);
  });

  it('refuses by reason', () => {
    const open = (path: string, command?: number) => ask(bpmp, Mrq.DEBUG, openDebug(path, command)).ret;
    expect(open('/nothing')).toBe(BpmpError.ENOENT);
    expect(open('/tag/below')).toBe(BpmpError.ENOENT);
    expect(open('/../tag')).toBe(BpmpError.ENOENT);
    expect(open('/clk/', DebugCommand.OPEN_WO)).toBe(BpmpError.EISDIR);
    expect(open('/tag', DebugCommand.OPEN_WO)).toBe(BpmpError.EACCES);
    expect(ask(bpmp, Mrq.DEBUG, new Uint8Array(120).fill(97).fill(0, 0, 4)).ret).toBe(BpmpError.EINVAL);
    expect(ask(bpmp, Mrq.DEBUG, words(5, 1)).ret).toBe(BpmpError.EBADCMD);
    expect(ask(bpmp, Mrq.DEBUG, words(DebugCommand.READ)).ret).toBe(BpmpError.EINVAL);
    const { u32 } = ask(bpmp, Mrq.DEBUG, openDebug('/clk/osc/state', DebugCommand.OPEN_WO));
    const fd = u32(0);
    expect(ask(bpmp, Mrq.DEBUG, words(DebugCommand.READ, fd)).ret).toBe(BpmpError.EACCES);
    for (const length of [1, 109, 0xffff_ffff]) {
      expect(ask(bpmp, Mrq.DEBUG, words(DebugCommand.WRITE, fd, length)).ret).toBe(BpmpError.EINVAL);
    }
  });

  it('does not let a file reach past what is denied', () => {
    expect(write('/clk/nafll_cluster0_core/state', '0')).toBe(BpmpError.EACCES);
    expect(askClk(bpmp, ClkCommand.IS_ENABLED, tegra234.clocks.idOf('NAFLL_CLUSTER0_CORE')!).u32(0)).toBe(1);
  });

  it('can have fewer clocks', () => {
    bpmp = new SimulatedBpmp({ debugClocks: 2 });
    expect(read('/clk/')).toBe('\0\x03\0\0actmon\0\0\x03\0\0adsp\0');
  });
});
