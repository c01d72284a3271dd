import { beforeEach, describe, expect, it } from 'vitest';
import { SimulatedBpmp } from '../../../../src/bpmp/backend/index.js';
import { tegra234 } from '../../../../src/bpmp/tegra234/index.js';
import { BpmpError, Mrq, PgCommand, ResetCommand, ThermalCommand } from '../../../../src/bpmp/wire/index.js';
import { ask, words } from '../request.js';

let bpmp: SimulatedBpmp;
const retOf = (mrq: number, ...payload: number[]) => ask(bpmp, mrq, words(...payload)).ret;

beforeEach(() => {
  bpmp = new SimulatedBpmp();
});

describe('the firmware itself', () => {
  it('answers pings shifted, the carry dropped', () => {
    expect(ask(bpmp, Mrq.PING, words(0xc000_0001)).u32(0)).toBe(0x8000_0002);
    expect(ask(bpmp, Mrq.THREADED_PING, words(3)).u32(0)).toBe(6);
  });

  it('claims what a Tegra234 has, and nothing that passes addresses', () => {
    const supported = Array.from({ length: 128 }, (_, mrq) => mrq).filter(
      (mrq) => ask(bpmp, Mrq.QUERY_ABI, words(mrq)).u32(0) === 0,
    );
    expect(supported).toEqual([
      0, 9, 20, 21, 22, 23, 27, 29, 31, 66, 67, 68, 69, 71, 72, 75, 76, 77, 78, 79, 83, 84,
    ]);
    for (const mrq of [1, 19, 28, 49, 65, 80, 95, 96, 4_294_967_295]) {
      expect(retOf(mrq, 0, 0, 0)).toBe(BpmpError.ENODEV);
    }
  });

  it('tells its tag in 32 bytes', () => {
    const { rx } = ask(new SimulatedBpmp({ tag: 'x' }), Mrq.QUERY_FW_TAG, new Uint8Array());
    expect([...rx]).toEqual([120, ...new Array(31).fill(0)]);
  });

  it('cuts a reply to the room that there is, and takes no more than a frame', () => {
    expect(ask(bpmp, Mrq.PING, words(1), 2)).toMatchObject({ ret: 0, rxSize: 2 });
    expect(ask(bpmp, Mrq.PING, words(1), 0)).toMatchObject({ ret: 0, rxSize: 0 });
    expect(ask(bpmp, Mrq.PING, new Uint8Array(120)).ret).toBe(0);
    expect(ask(bpmp, Mrq.PING, new Uint8Array(121)).ret).toBe(BpmpError.EINVAL);
  });

  it('knows its ratchet, the limits of its clusters and its alarms', () => {
    expect(ask(bpmp, Mrq.ABI_RATCHET, new Uint8Array([3, 0])).rx).toEqual(new Uint8Array([3, 0]));
    expect(ask(bpmp, Mrq.ABI_RATCHET, new Uint8Array([2, 0])).ret).toBe(BpmpError.ERANGE);
    expect(ask(bpmp, Mrq.CPU_NDIV_LIMITS, words(2)).rxSize).toBe(12);
    expect(retOf(Mrq.CPU_NDIV_LIMITS, 3)).toBe(BpmpError.EINVAL);
    expect(ask(bpmp, Mrq.OC_STATUS, new Uint8Array())).toMatchObject({ ret: 0, rxSize: 120 });
  });
});

describe('MRQ_RESET', () => {
  it('moves lines, by command and id', () => {
    const gpu = tegra234.resets.idOf('GPU')!;
    expect(bpmp.state().asserted).toContain('GPU');
    expect(retOf(Mrq.RESET, ResetCommand.DEASSERT, gpu)).toBe(0);
    expect(bpmp.state().asserted).not.toContain('GPU');
    expect(retOf(Mrq.RESET, ResetCommand.ASSERT, gpu)).toBe(0);
    expect(bpmp.state().asserted).toContain('GPU');
    expect(retOf(Mrq.RESET, ResetCommand.MODULE, gpu)).toBe(0);
    expect(bpmp.state().asserted).not.toContain('GPU');
    expect(ask(bpmp, Mrq.RESET, words(ResetCommand.GET_MAX_ID, 0)).u32(0)).toBe(173);
  });

  it('refuses holes, other commands and short requests', () => {
    for (const hole of [0, 62, 86, 174, 0x1013, 0xffff_ffff]) {
      expect(retOf(Mrq.RESET, ResetCommand.ASSERT, hole)).toBe(BpmpError.EINVAL);
    }
    for (const command of [0, 5, 0x11, 0xffff_ffff])
      expect(retOf(Mrq.RESET, command, 19)).toBe(BpmpError.EBADCMD);
    expect(retOf(Mrq.RESET, ResetCommand.ASSERT)).toBe(BpmpError.EINVAL);
  });
});

describe('MRQ_PG', () => {
  const gpu = tegra234.powerDomains.idOf('GPU')!;

  it('names, reads and switches domains', () => {
    expect(Buffer.from(ask(bpmp, Mrq.PG, words(PgCommand.GET_NAME, gpu)).rx).toString()).toBe(
      'gpu'.padEnd(40, '\0'),
    );
    expect(ask(bpmp, Mrq.PG, words(PgCommand.GET_STATE, gpu)).u32(0)).toBe(0);
    expect(retOf(Mrq.PG, PgCommand.SET_STATE, gpu, 1)).toBe(0);
    expect(ask(bpmp, Mrq.PG, words(PgCommand.GET_STATE, gpu)).u32(0)).toBe(1);
    expect(ask(bpmp, Mrq.PG, words(PgCommand.GET_MAX_ID, 0)).u32(0)).toBe(36);
  });

  it('refuses holes, other states and commands', () => {
    for (const command of [1, 2, 3]) {
      for (const hole of [0, 4, 21, 37, 0xffff_ffff])
        expect(retOf(Mrq.PG, command, hole, 0)).toBe(BpmpError.EINVAL);
    }
    for (const state of [2, 256, 0xffff_ffff]) {
      expect(retOf(Mrq.PG, PgCommand.SET_STATE, gpu, state)).toBe(BpmpError.EINVAL);
    }
    expect(retOf(Mrq.PG, PgCommand.SET_STATE, gpu)).toBe(BpmpError.EINVAL);
    expect(retOf(Mrq.PG, 5, gpu)).toBe(BpmpError.EBADCMD);
    expect(retOf(Mrq.PG, PgCommand.QUERY_ABI, 0, 4)).toBe(0);
    expect(retOf(Mrq.PG, PgCommand.QUERY_ABI, 0, 5)).toBe(BpmpError.ENODEV);
  });
});

describe('MRQ_THERMAL', () => {
  it('reads zones, keeps trips, and says which zone is off', () => {
    expect(ask(bpmp, Mrq.THERMAL, words(ThermalCommand.GET_NUM_ZONES)).u32(0)).toBe(9);
    expect(ask(bpmp, Mrq.THERMAL, words(ThermalCommand.GET_TEMP, 0)).u32(0)).toBe(45_000);
    expect(retOf(Mrq.THERMAL, ThermalCommand.GET_TEMP, 2)).toBe(BpmpError.EFAULT);
    expect(retOf(Mrq.THERMAL, ThermalCommand.GET_TEMP, 9)).toBe(BpmpError.EINVAL);
    expect(ask(bpmp, Mrq.THERMAL, words(ThermalCommand.GET_THERMTRIP, 0)).u32(0)).toBe(104_500);
    expect(retOf(Mrq.THERMAL, ThermalCommand.GET_THERMTRIP, 8)).toBe(BpmpError.ERANGE);
    expect(retOf(Mrq.THERMAL, ThermalCommand.SET_TRIP, 1, -5_000, 95_000, 1)).toBe(0);
    expect(bpmp.state().trips).toEqual([{ zone: 'gpu', low: -5_000, high: 95_000 }]);
    expect(retOf(Mrq.THERMAL, ThermalCommand.SET_TRIP, 1, 0, 0, 0)).toBe(0);
    expect(bpmp.state().trips).toEqual([]);
    expect(retOf(Mrq.THERMAL, ThermalCommand.SET_TRIP, 1, 5, 4, 1)).toBe(BpmpError.EINVAL);
    expect(retOf(Mrq.THERMAL, ThermalCommand.SET_TRIP, 1, 5)).toBe(BpmpError.EINVAL);
    expect(retOf(Mrq.THERMAL, ThermalCommand.QUERY_ABI, 5)).toBe(BpmpError.ENODEV);
    expect(retOf(Mrq.THERMAL, 100, 0)).toBe(BpmpError.EBADCMD);
  });

  it('has the zones that it is given', () => {
    const cold = new SimulatedBpmp({ thermalZones: [{ name: 'cold', temperature: -10_000 }] });
    expect(ask(cold, Mrq.THERMAL, words(ThermalCommand.GET_TEMP, 0)).u32(0) | 0).toBe(-10_000);
  });
});

describe('memory', () => {
  it('lists the memory’s rates, with latencies and the hub’s', () => {
    for (const mrq of [Mrq.EMC_DVFS_LATENCY, Mrq.EMC_DVFS_EMCHUB]) {
      const { ret, rxSize, u32 } = ask(bpmp, mrq, new Uint8Array());
      expect([ret, rxSize, u32(0), u32(1), u32(7)]).toEqual([0, 116, 4, 204_000, 3_199_000]);
    }
  });

  it('calculates a rate for bandwidth', () => {
    expect(ask(bpmp, Mrq.BWMGR, words(1, 10_000_000, 1, 5, 1_000_000)).rx).toEqual(
      new Uint8Array(words(204_000, 204_000)),
    );
    expect(retOf(Mrq.BWMGR, 1, 0xffff_ffff, 0)).toBe(BpmpError.ENOTSUP);
    expect(retOf(Mrq.BWMGR, 1, 0, 14)).toBe(BpmpError.EINVAL);
    expect(retOf(Mrq.BWMGR, 1, 0, 1)).toBe(BpmpError.EINVAL);
    expect([retOf(Mrq.BWMGR, 0, 1), retOf(Mrq.BWMGR, 0, 2), retOf(Mrq.BWMGR, 2, 0)]).toEqual([
      0,
      BpmpError.ENODEV,
      BpmpError.EBADCMD,
    ]);
  });

  it('sets the memory clock to what all clients need, and back', () => {
    const set = (client: number, kbps: number) => ask(bpmp, Mrq.BWMGR_INT, words(2, client, kbps, 0, 0, 0));
    expect(set(3, 100_000_000)).toMatchObject({ ret: 0, rxSize: 8 });
    expect(bpmp.state().clocks.EMC?.rate).toBe(2_133_000_000);
    const over = set(4, 0xffff_ffff);
    expect([over.ret, over.u64()]).toEqual([BpmpError.ENOTSUP, 2_133_000_000]);
    expect(ask(bpmp, Mrq.BWMGR_INT, new Uint8Array([5, 0, 0, 0, 3, 0, 0, 0, 0])).u32(1)).toBe(100_000_000);
    expect(set(3, 0).ret).toBe(0);
    expect(bpmp.state().memory.bandwidth).toEqual([]);
    expect(set(0, 1).ret).toBe(BpmpError.EINVAL);
    expect(retOf(Mrq.BWMGR_INT, 3, 1_000, 0)).toBe(BpmpError.ENOTSUP);
    expect(retOf(Mrq.BWMGR_INT, 1, 4)).toBe(BpmpError.ENODEV);
    expect(retOf(Mrq.BWMGR_INT, 4, 1)).toBe(BpmpError.EBADCMD);
  });

  it('serves isochronous clients', () => {
    expect(ask(bpmp, Mrq.ISO_CLIENT, words(1, 6, 1_000_000, 0)).rxSize).toBe(8);
    expect(retOf(Mrq.ISO_CLIENT, 1, 6, 0xffff_ffff, 0)).toBe(BpmpError.EFAULT);
    expect(retOf(Mrq.ISO_CLIENT, 2, 6, 1_000_000, 0)).toBe(0);
    expect(bpmp.state().memory.isoKbps).toEqual({ 6: 1_000_000 });
    expect(ask(bpmp, Mrq.ISO_CLIENT, words(3, 6)).rxSize).toBe(116);
    expect(retOf(Mrq.ISO_CLIENT, 3, 0)).toBe(BpmpError.EINVAL);
    expect(retOf(Mrq.ISO_CLIENT, 0, 4)).toBe(BpmpError.ENODEV);
    expect([retOf(Mrq.EMC_DISP_RFL, 1), retOf(Mrq.EMC_DISP_RFL, 2)]).toEqual([0, BpmpError.EINVAL]);
  });
});

describe('MRQ_I2C', () => {
  const xfer = (bus: number, ...bytes: number[]) => {
    const tx = new Uint8Array(12 + bytes.length);
    tx.set(words(1, bus, bytes.length));
    tx.set(bytes, 12);
    return ask(bpmp, Mrq.I2C, tx);
  };

  it('writes and reads its one device', () => {
    expect(xfer(5, 0x3c, 0, 0, 0, 3, 0, 0x10, 0xaa, 0xbb).ret).toBe(0);
    const { rx } = xfer(5, 0x3c, 0, 0, 0, 1, 0, 0x10, 0x3c, 0, 1, 0, 2, 0);
    expect([...rx]).toEqual([2, 0, 0, 0, 0xaa, 0xbb]);
  });

  it('refuses other buses, absent devices and broken segments', () => {
    expect(xfer(1, 0x3c, 0, 1, 0, 1, 0).ret).toBe(BpmpError.ENODEV);
    expect(xfer(5, 0x50, 0, 1, 0, 1, 0)).toMatchObject({ ret: BpmpError.ENXIO, rxSize: 0 });
    expect(xfer(5, 0x3c, 0, 0, 0, 9, 0, 1).ret).toBe(BpmpError.EINVAL);
    expect(xfer(5, 0x3c, 0, 1, 0, 117, 0).ret).toBe(BpmpError.EINVAL);
    expect(xfer(5, 0x3c, 0, 1).ret).toBe(BpmpError.EINVAL);
    expect(retOf(Mrq.I2C, 1, 5, 0xffff_ffff)).toBe(BpmpError.EINVAL);
    expect(retOf(Mrq.I2C, 2, 5, 0)).toBe(BpmpError.EBADCMD);
  });
});

describe('STRAP, UPHY, FMON', () => {
  it('sets straps', () => {
    expect(retOf(Mrq.STRAP, 1, 2, 7)).toBe(0);
    expect(bpmp.state().straps).toEqual({ 2: 7 });
    expect([retOf(Mrq.STRAP, 1, 16, 0), retOf(Mrq.STRAP, 1, 2)]).toEqual([
      BpmpError.EINVAL,
      BpmpError.EINVAL,
    ]);
    expect(retOf(Mrq.STRAP, 0, 2, 7)).toBe(BpmpError.EBADCMD);
  });

  it('switches PCIe controllers', () => {
    const state = (controller: number, on: number) =>
      ask(bpmp, Mrq.UPHY, new Uint8Array([0, 0, 4, 0, controller, on])).ret;
    expect([state(4, 1), state(10, 1), state(11, 1)]).toEqual([0, 0, BpmpError.EINVAL]);
    expect(bpmp.state().pcie.controllers).toEqual([4, 10]);
    expect(ask(bpmp, Mrq.UPHY, new Uint8Array([0, 0, 3, 0, 5])).ret).toBe(0);
    expect(ask(bpmp, Mrq.UPHY, new Uint8Array([0, 0, 3, 0, 4])).ret).toBe(BpmpError.EINVAL);
    expect(ask(bpmp, Mrq.UPHY, new Uint8Array([0, 0, 4, 0, 4])).ret).toBe(BpmpError.EINVAL);
    expect(ask(bpmp, Mrq.UPHY, new Uint8Array([0, 0, 6, 0, 4])).ret).toBe(BpmpError.EBADCMD);
  });

  it('clamps frequency monitors', () => {
    const nafll = tegra234.clocks.idOf('NAFLL_GPC0')!;
    const word = (command: number) => ((command << 24) | nafll) >>> 0;
    expect(retOf(Mrq.FMON, word(1), 0, 1_000_000_000, 0)).toBe(0);
    expect(retOf(Mrq.FMON, word(1), 0, 1_000_000_001, 0)).toBe(BpmpError.EBUSY);
    expect(ask(bpmp, Mrq.FMON, words(word(3))).u64()).toBe(1_000_000_000);
    expect(retOf(Mrq.FMON, word(2))).toBe(0);
    expect(retOf(Mrq.FMON, (1 << 24) | 91, 0, 1, 0)).toBe(BpmpError.ENODEV);
  });
});
