import { setTimeout } from 'node:timers/promises';
import type { InterruptEvent } from '../../../../src/vfio/device/index.js';
import { MEMORY_AND_MASTER, setCommand } from './edu.js';
import { E1000E, open, refusal, using } from './opening.js';

/** Registers of an 82574L's BAR 0, which is what e1000e is (Intel's 82574 datasheet, chapter 10). */
const Card = {
  /** Causes: read, raised by software, let through, held back. */
  CAUSE: 0xc0,
  RAISE: 0xc8,
  LET_THROUGH: 0xd0,
  HOLD_BACK: 0xd8,
  /** Which cause goes to which vector: four bits each, the highest of them says that it goes at all. */
  VECTORS: 0xe4,
} as const;

/** Queues for receiving 0 and 1, for sending 0 and 1, and all else. */
const CAUSES = [20, 21, 22, 23, 24] as const;
const all = CAUSES.reduce((sum, bit) => sum | (1 << bit), 0);

/** Five vectors, each of a cause that the card raises when it is told to. */
export function msix() {
  return using(open(E1000E), async (device) => {
    setCommand(device, MEMORY_AND_MASTER);
    const bar = device.region('bar0');
    const heard: InterruptEvent[] = [];
    const info = device.interrupts.find(({ name }) => name === 'msix')!;
    const beyond = refusal(() => device.enableInterrupt('msix', { vectors: info.count + 1 }));
    const interrupt = device.enableInterrupt('msix', {
      vectors: CAUSES.length,
      onInterrupt: (event) => heard.push(event),
    });
    // The other way round, so that a vector is not heard for its cause's own number.
    const vectorOf = (at: number) => CAUSES.length - 1 - at;
    bar.write(
      Card.VECTORS,
      4,
      CAUSES.reduce((sum: number, _, at) => sum | ((8 | vectorOf(at)) << (at * 4)), 0) >>> 0,
    );
    const something = async () => {
      for (let round = 0; round < 500 && heard.length === 0; round++) await setTimeout(20);
    };
    const raise = async (bits: number) => {
      // The link has causes of its own.
      bar.write(Card.HOLD_BACK, 4, 0xffffffff);
      bar.write(Card.CAUSE, 4, 0xffffffff);
      heard.length = 0;
      bar.write(Card.LET_THROUGH, 4, bits);
      bar.write(Card.RAISE, 4, bits);
      await something();
      // Whether another one comes along.
      await setTimeout(100);
      return heard.map(({ vector, count }) => `${vector}: ${count}`).sort();
    };
    const each: string[][] = [];
    for (const bit of CAUSES) each.push(await raise(1 << bit));
    const together = await raise(all);
    const mask = refusal(() => interrupt.mask(1));
    const triggered: InterruptEvent[][] = [];
    for (const vector of [0, 4]) {
      heard.length = 0;
      interrupt.trigger(vector);
      await something();
      triggered.push([...heard]);
    }
    const other = refusal(() => device.enableInterrupt('msi'));
    bar.write(Card.HOLD_BACK, 4, 0xffffffff);
    interrupt.dispose();
    const fewer = device.enableInterrupt('msix', { vectors: 2 });
    heard.length = 0;
    fewer.trigger(1);
    const again = await fewer.next(2_000);
    return { info, beyond, each, together, mask, triggered, other, again };
  });
}
