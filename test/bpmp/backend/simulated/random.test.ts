import { describe, expect, it } from 'vitest';
import { SimulatedBpmp } from '../../../../src/bpmp/backend/index.js';
import { Mrq } from '../../../../src/bpmp/wire/index.js';

const REQUESTS = 1_000_000;
const CANARY = 0xa5;

/** Small and quick, so that a million requests are not spent on drawing them. */
function generator(seed: number): (below: number) => number {
  let x = seed;
  return (below) => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) % below;
  };
}

/** A request that is mostly near to a real one: a known MRQ, a small command, a small id, any length. */
function draw(
  next: (below: number) => number,
  buffer: Uint8Array,
  mrqs: readonly number[],
): [number, number] {
  const mrq = next(20) === 0 ? next(0xffff_ffff) : mrqs[next(mrqs.length)]!;
  const length = next(4) === 0 ? next(130) : [0, 4, 8, 12, 16, 20, 24, 120][next(8)]!;
  const view = new DataView(buffer.buffer);
  for (let at = 0; at < length; at += 4) view.setUint32(at, next(next(3) === 0 ? 40 : 0xffff_ffff), true);
  if (mrq === Mrq.CLK || mrq === Mrq.FMON) view.setUint32(0, ((next(18) << 24) | next(600)) >>> 0, true);
  else if (mrq === Mrq.UPHY) view.setUint32(0, next(8) << 16, true);
  else if (next(8) > 0) view.setUint32(0, next(7), true);
  if (mrq === Mrq.DEBUG && next(2) === 0) buffer.set(PATH, 4);
  return [mrq, length];
}

const PATH = new TextEncoder().encode('/clk/gpc0clk/rate\0');

describe('a million random requests', () => {
  it('are each answered, within the buffer, and leave no memory behind', () => {
    const bpmp = new SimulatedBpmp();
    const next = generator(20_240_229);
    const mrqs = Object.values(Mrq);
    const buffer = new Uint8Array(132);
    const canary = Buffer.alloc(128, CANARY);
    const rx = Buffer.alloc(128);
    const rets = new Set<number>();
    let before = 0;
    for (let count = 0; count < REQUESTS; count++) {
      if (count === REQUESTS / 10) before = process.memoryUsage().heapUsed;
      const [mrq, length] = draw(next, buffer, mrqs);
      const capacity = next(121);
      rx.fill(CANARY);
      const outcome = bpmp.transfer(mrq, buffer.subarray(0, length), rx.subarray(0, capacity));
      if (outcome instanceof Promise) throw new Error('not at once');
      const { ret, rxSize } = outcome;
      rets.add(ret);
      // expect() a million times would take a minute.
      const sound = Number.isInteger(ret) && ret <= 0 && ret > -4096 && rxSize >= 0 && rxSize <= capacity;
      if (!sound || rx.compare(canary, rxSize, 128, rxSize, 128) !== 0) {
        expect.fail(
          `mrq ${mrq}, ${Buffer.from(buffer.subarray(0, length)).toString('hex')}: ${ret}, ${rxSize} of ${capacity}`,
        );
      }
    }
    expect(rets.size).toBeGreaterThan(10);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(48 * 1024 * 1024);
    // It is still the same firmware.
    const { clocks } = bpmp.state();
    expect(Object.values(clocks).every(({ rate }) => Number.isSafeInteger(rate) && rate > 0)).toBe(true);
  });
});
