import { describe, expect, it } from 'vitest';
import { serveIvc } from './served-ivc.js';

describe.each(['trapped', 'shared'] as const)('a guest, layout %s', (layout) => {
  it('shakes hands on every channel and transfers on them', async () => {
    const { connect, handler, bridge } = await serveIvc({ layout });
    const guest = await connect();
    await guest.boot();
    for (const channel of [0, 1, 2]) {
      const { ret, rx } = await guest.channel(channel).transfer(0, Buffer.from('01020304', 'hex'));
      expect([ret, rx.subarray(0, 5).toString('hex')]).toEqual([0, 'fefdfcfb00']);
    }
    const { rx } = await guest.channel(3).transferAtomic(0, Buffer.from('00000000', 'hex'));
    expect(rx.subarray(0, 5).toString('hex')).toBe('ffffffff00');
    expect(handler.seen.map(({ mrq, tx, room }) => [mrq, tx.length / 2, room])).toEqual(
      Array.from({ length: 4 }, () => [0, 4, 120]),
    );
    expect(bridge.stats()).toMatchObject({ transfers: 4, handshakes: 5, channelResets: 0, inFlight: 0 });
  });
});
