import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { SimulatedBpmp } from '../../../../src/bpmp/backend/index.js';
import { Mrq, ThermalCommand } from '../../../../src/bpmp/wire/index.js';

const u32 = (...words: number[]) => new Uint8Array(new Int32Array(words).buffer);

function model() {
  const bpmp = new SimulatedBpmp();
  const heard: [number, Uint8Array][] = [];
  bpmp.onRequest = (mrq, payload) => heard.push([mrq, payload]);
  const setTrip = (zone: number, low: number, high: number) =>
    bpmp.transfer(Mrq.THERMAL, u32(ThermalCommand.SET_TRIP, zone, low, high, 1), new Uint8Array(8));
  return { bpmp, heard, setTrip };
}

const tripOf = (zone: number) => [Mrq.THERMAL, u32(ThermalCommand.HOST_TRIP_REACHED, zone)];

describe('a thermal trip', () => {
  it('is told of once when its zone gets there, and again when it is set anew', async () => {
    const { bpmp, heard, setTrip } = model();
    expect(setTrip(1, -0x7fff_ffff, 80_000)).toMatchObject({ ret: 0 });
    bpmp.setTemperature('gpu', 79_999);
    await setImmediate();
    expect(heard).toEqual([]);
    bpmp.setTemperature('gpu', 80_000);
    bpmp.setTemperature('gpu', 81_000);
    await setImmediate();
    expect(heard).toEqual([tripOf(1)]);
    setTrip(1, 78_000, 90_000);
    bpmp.setTemperature('gpu', 78_000);
    await setImmediate();
    expect(heard).toEqual([tripOf(1), tripOf(1)]);
  });

  it('that is reached already is told of after the answer', async () => {
    const { heard, setTrip } = model();
    setTrip(0, 0, 20_000);
    expect(heard).toEqual([]);
    await setImmediate();
    expect(heard).toEqual([tripOf(0)]);
  });

  it('is nobody’s where none is set, or the BPMP is closed', async () => {
    const { bpmp, heard, setTrip } = model();
    bpmp.setTemperature('cpu', 200_000);
    setTrip(1, 0, 80_000);
    bpmp.setTemperature('gpu', 90_000);
    bpmp.close();
    await setImmediate();
    expect(heard).toEqual([]);
  });

  it('shows in the temperature that is read', () => {
    const { bpmp } = model();
    const rx = new Uint8Array(4);
    bpmp.setTemperature('cv0', 31_000);
    expect(bpmp.transfer(Mrq.THERMAL, u32(ThermalCommand.GET_TEMP, 2), rx)).toMatchObject({ ret: 0 });
    expect(new DataView(rx.buffer).getUint32(0, true)).toBe(31_000);
    expect(() => bpmp.setTemperature('nowhere', 1)).toThrow('there are cpu, gpu');
  });
});
