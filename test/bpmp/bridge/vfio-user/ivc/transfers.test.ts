import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { serveIvc } from './served-ivc.js';

const TRANSFERS = Number(process.env.GPUVM_TEST_TRANSFERS ?? 25_000);
/** Longer than any request that the ABI header knows is cut to. */
const MRQ = 0x1234;

it.each([
  ['shared', TRANSFERS],
  ['trapped', TRANSFERS / 5],
] as const)(
  'layout %s: of %i transfers on all channels at once none is lost, answered twice or given to another',
  async (layout, transfers) => {
    const { connect, handler, bridge } = await serveIvc({ layout });
    const handled = new Uint8Array(transfers);
    handler.answer = (_mrq, tx, rx) => {
      handler.seen.length = 0;
      const number = Buffer.from(tx).readUInt32LE(0);
      handled[number]!++;
      const answer = () => {
        rx.set(tx);
        rx[119] = number % 251;
        return { ret: number, rxSize: 120 };
      };
      const kind = number % 7;
      if (kind < 3) return answer();
      if (kind < 6) return new Promise((resolve) => setImmediate(() => resolve(answer())));
      return sleep(number % 2).then(answer);
    };
    const guest = await connect();
    await guest.boot();
    const answered = new Uint8Array(transfers);
    let next = 0;
    const wrong: string[] = [];
    const run = async (channel: number) => {
      const tx = Buffer.alloc(120, channel);
      while (next < transfers) {
        const number = next++;
        tx.writeUInt32LE(number, 0);
        const it = guest.channel(channel);
        const { ret, rx } = await (channel === 3 ? it.transferAtomic(MRQ, tx) : it.transfer(MRQ, tx));
        if (ret !== number || rx.readUInt32LE(0) !== number || rx[4] !== channel || rx[119] !== number % 251)
          wrong.push(`${number} on ${channel}: ${ret}, ${rx.toString('hex')}`);
        answered[number]!++;
      }
    };
    await Promise.all([0, 1, 2, 3].map(run));
    expect(wrong).toEqual([]);
    expect(handled.every((times) => times === 1)).toBe(true);
    expect(answered.every((times) => times === 1)).toBe(true);
    expect(bridge.stats()).toMatchObject({ transfers, channelResets: 0, late: 0, abandoned: 0, inFlight: 0 });
  },
  60_000,
);
