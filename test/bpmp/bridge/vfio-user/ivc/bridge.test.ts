import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Outcome } from '../../../../../src/bpmp/backend/backend.js';
import { IvcBridge, ivcBars } from '../../../../../src/bpmp/bridge/vfio-user/index.js';
import { VfioUserClient, words } from '../../../../support/vfio-user-client.js';
import { EchoHandler, temporaryFolder } from '../served.js';
import { type FakeGuest, HSP } from './fake-guest.js';
import { type ServedIvc, serveIvc } from './served-ivc.js';

const PING = 0;
const challenge = (value: number) => words(value);

async function booted(served: ServedIvc): Promise<FakeGuest> {
  const guest = await served.connect();
  await guest.boot();
  return guest;
}

/** Outcomes that the test gives when it likes, in the order of the requests. */
function withheld(handler: EchoHandler) {
  const given: ((outcome?: Outcome) => void)[] = [];
  handler.answer = (_mrq, tx, rx) => {
    const copy = tx.slice();
    return new Promise((resolve) => {
      given.push((outcome) => {
        rx.set(copy);
        resolve(outcome ?? { ret: 0, rxSize: copy.length });
      });
    });
  };
  return given;
}

async function until(condition: () => boolean): Promise<void> {
  for (const end = performance.now() + 2000; !condition(); await sleep(1)) {
    if (performance.now() > end) throw new Error('it does not come true');
  }
}

describe.each(['trapped', 'shared'] as const)('a guest, layout %s', (layout) => {
  it('shakes hands on every channel and transfers on them', async () => {
    const served = await serveIvc({ layout });
    const guest = await booted(served);
    for (const channel of [0, 1, 2]) {
      const { ret, rx } = await guest.channel(channel).transfer(PING, challenge(0x04030201));
      expect([ret, rx.subarray(0, 5).toString('hex')]).toEqual([0, 'fefdfcfb00']);
    }
    const { rx } = await guest.channel(3).transferAtomic(PING, challenge(0));
    expect(rx.subarray(0, 5).toString('hex')).toBe('ffffffff00');
    expect(served.handler.seen.map(({ tx, room }) => [tx.length / 2, room])).toEqual(
      Array.from({ length: 4 }, () => [4, 120]),
    );
    expect(served.bridge.stats()).toMatchObject({
      transfers: 4,
      handshakes: 5,
      channelResets: 0,
      inFlight: 0,
    });
  });

  it('is served without a handshake too, as the protocol has it for memory that is all zero', async () => {
    const served = await serveIvc({ layout });
    const guest = await served.connect();
    expect((await guest.channel(3).transferAtomic(PING, challenge(1))).ret).toBe(0);
  });

  it('may ring before there is anything, and after', async () => {
    const served = await serveIvc({ layout });
    const guest = await served.connect();
    for (let i = 0; i < 10; i++) guest.ring();
    await guest.boot();
    for (let i = 0; i < 10; i++) guest.ring();
    expect((await guest.channel(0).transfer(PING, challenge(1))).ret).toBe(0);
    expect(served.bridge.stats()).toMatchObject({ transfers: 1, channelResets: 0 });
  });

  it('sends stale bytes along with a request, which nobody looks at', async () => {
    const served = await serveIvc({ layout });
    const guest = await booted(served);
    const stale = Buffer.alloc(120, 0xee);
    stale.writeUInt32LE(((7 << 24) | 91) >>> 0, 0);
    await guest.channel(0).transfer(22, stale);
    await guest.channel(1).transfer(9999, stale);
    await guest.channel(2).transfer(71, stale);
    expect(served.handler.seen.map(({ mrq, tx }) => [mrq, tx.length / 2])).toEqual([
      [22, 4],
      [9999, 120],
      [71, 0],
    ]);
  });

  it('has several requests under way, answered in any order', async () => {
    const served = await serveIvc({ layout });
    const given = withheld(served.handler);
    const guest = await booted(served);
    const order: number[] = [];
    const answers = [0, 1, 2].map(async (channel) => {
      const { rx } = await guest.channel(channel).transfer(PING, challenge(100 + channel));
      order.push(channel);
      return rx.readUInt32LE(0);
    });
    await until(() => given.length === 3);
    expect(served.bridge.stats().inFlight).toBe(3);
    for (const i of [2, 0, 1]) {
      given[i]!();
      await until(() => order.includes(i));
    }
    expect(await Promise.all(answers)).toEqual([100, 101, 102]);
    expect(order).toEqual([2, 0, 1]);
  });

  it('is not held up by one request that is slow', async () => {
    const served = await serveIvc({ layout });
    const guest = await booted(served);
    let finish: (() => void) | undefined;
    served.handler.answer = (mrq) =>
      mrq === 21
        ? new Promise((resolve) => {
            finish = () => resolve({ ret: 5, rxSize: 0 });
          })
        : { ret: 0, rxSize: 0 };
    const slow = guest.channel(1).transfer(21, Buffer.alloc(8));
    for (let i = 0; i < 50; i++) await guest.channel(0).transfer(PING, challenge(i));
    await guest.channel(3).transferAtomic(PING, challenge(0));
    finish!();
    expect((await slow).ret).toBe(5);
  });

  it('is answered at the deadline, and what comes later is dropped', async () => {
    const served = await serveIvc({ layout, deadlineMs: 30 });
    const given = withheld(served.handler);
    const guest = await booted(served);
    const { ret, rx } = await guest.channel(0).transfer(PING, challenge(7));
    expect([ret, rx.readUInt32LE(0)]).toEqual([-23, 0]);
    expect(served.bridge.stats()).toMatchObject({ late: 1, inFlight: 0, abandonedNow: 1 });
    served.handler.answer = () => ({ ret: 1, rxSize: 0 });
    expect((await guest.channel(0).transfer(PING, challenge(8))).ret).toBe(1);
    given[0]!({ ret: 99, rxSize: 4 });
    await sleep(5);
    expect(served.bridge.stats().abandonedNow).toBe(0);
    expect((await guest.channel(0).transfer(PING, challenge(9))).ret).toBe(1);
  });

  it('gets nothing of what a handler writes after the deadline into an answer that was given up', async () => {
    const served = await serveIvc({ layout, deadlineMs: 30 });
    const rooms: Uint8Array[] = [];
    served.handler.answer = (_mrq, _tx, rx) => {
      rooms.push(rx);
      return rooms.length === 1 ? new Promise(() => {}) : sleep(10).then(() => ({ ret: 0, rxSize: 8 }));
    };
    const guest = await booted(served);
    expect((await guest.channel(0).transfer(PING, challenge(1))).ret).toBe(-23);
    const next = guest.channel(0).transfer(PING, challenge(2));
    await until(() => rooms.length === 2);
    rooms[0]!.fill(0xbb);
    expect((await next).rx.equals(Buffer.alloc(120))).toBe(true);
  });

  it.each([
    [4, 4],
    [-1, 0],
    [1000, 120],
  ])('gets as many bytes as an answer of %i has in a frame, and zeros', async (rxSize, bytes) => {
    const served = await serveIvc({ layout });
    served.handler.answer = (_mrq, _tx, rx) => {
      rx.fill(0xaa);
      return { ret: -7, rxSize };
    };
    const guest = await booted(served);
    const { ret, rx } = await guest.channel(0).transfer(PING, challenge(1));
    expect([ret, rx.toString('hex')]).toEqual([-7, 'aa'.repeat(bytes).padEnd(240, '0')]);
  });

  it('gets no answer where it wants none, and no interrupt where it wants no ring', async () => {
    const served = await serveIvc({ layout });
    const guest = await booted(served);
    await sleep(5);
    const { interrupts } = served.bridge.stats();
    for (let i = 0; i < 5; i++) {
      guest.channel(3).send(PING, challenge(i), 0);
      await until(() => served.handler.seen.length === i + 1);
    }
    expect(await guest.channel(3).hasAnswer()).toBe(false);
    await guest.channel(3).transferAtomic(PING, challenge(9));
    await sleep(5);
    expect(served.bridge.stats()).toMatchObject({ transfers: 6, channelResets: 0, interrupts });
  });

  it('may leave an answer unread: its next request waits for the room', async () => {
    const served = await serveIvc({ layout });
    const guest = await booted(served);
    const channel = guest.channel(3);
    channel.send(PING, challenge(1), 1);
    await until(() => served.handler.seen.length === 1);
    channel.send(PING, challenge(2), 1);
    await sleep(10);
    expect(served.handler.seen.length).toBe(1);
    await channel.read();
    await until(() => served.handler.seen.length === 2);
    expect((await channel.read()).rx.readUInt32LE(0)).toBe(0xfffffffd);
    expect(served.bridge.stats().channelResets).toBe(0);
  });

  it('begins anew without a reset, as after kexec, and gets nothing of before', async () => {
    const served = await serveIvc({ layout });
    const given = withheld(served.handler);
    const guest = await booted(served);
    guest.channel(0).send(PING, challenge(1));
    guest.channel(3).send(PING, challenge(2), 1);
    await until(() => given.length === 2);
    await guest.boot();
    expect(served.bridge.stats()).toMatchObject({ abandoned: 2, abandonedNow: 2, inFlight: 0 });
    served.handler.answer = () => ({ ret: 3, rxSize: 0 });
    expect((await guest.channel(0).transfer(PING, challenge(3))).ret).toBe(3);
    for (const give of given) give({ ret: 99, rxSize: 4 });
    await sleep(5);
    expect(await guest.channel(0).hasAnswer()).toBe(false);
    expect(await guest.channel(3).hasAnswer()).toBe(false);
    expect(served.bridge.stats()).toMatchObject({ abandonedNow: 0, handshakes: 10 });
  });

  it('that began a handshake while its request was under way is not answered in the middle of it', async () => {
    const served = await serveIvc({ layout });
    const given = withheld(served.handler);
    const guest = await booted(served);
    guest.channel(0).send(PING, challenge(1));
    await until(() => given.length === 1);
    guest.sram.store(4, 1);
    await guest.sram.load(4);
    given[0]!();
    await until(() => served.bridge.stats().inFlight === 0);
    expect(await guest.sram.load(0x1000)).toBe(0);
    await guest.boot();
    expect(served.bridge.stats()).toMatchObject({ abandonedNow: 0, rxBytes: 0 });
  });

  it('that begins anew over and over leaves no more than a bounded number behind', async () => {
    const served = await serveIvc({ layout });
    const given = withheld(served.handler);
    const guest = await booted(served);
    const answers: number[] = [];
    for (let i = 0; i < 30; i++) {
      const channel = guest.channel(3);
      await channel.handshake();
      channel.send(PING, challenge(i), 1);
      await until(() => served.bridge.stats().transfers === i + 1);
      if (await channel.hasAnswer()) answers.push((await channel.read()).ret);
    }
    expect(given.length).toBe(16);
    expect(answers).toEqual(Array.from({ length: 14 }, () => -16));
    expect(served.bridge.stats()).toMatchObject({ abandonedNow: 16, refused: 14 });
  });

  it('finds zeros after a reset, and nobody waits for what was under way', async () => {
    const served = await serveIvc({ layout });
    const given = withheld(served.handler);
    const guest = await booted(served);
    guest.channel(0).send(PING, challenge(1));
    await until(() => given.length === 1);
    await guest.reset();
    given[0]!();
    await sleep(5);
    expect((await guest.sram.bytes(0, 0x2000)).every((byte) => byte === 0)).toBe(true);
    expect((await guest.hsp.read(0, HSP.ENABLE, 12)).payload.subarray(16)).toEqual(Buffer.alloc(12));
    for (let i = 0; i < 3; i++) {
      served.handler.answer = () => ({ ret: i, rxSize: 0 });
      await guest.reset();
      await guest.boot();
      expect((await guest.channel(2).transfer(PING, challenge(1))).ret).toBe(i);
    }
  });

  describe('that corrupts a channel', () => {
    const TX = 0x100;
    const RX = 0x1100;
    it.each([
      ['its counter by two', TX, 3],
      ['its counter by 2^31', TX, 0x80000001],
      ['its counter backwards', TX, 0],
      ['its counter of what it read, ahead', RX + 64, 2],
      ['its counter of what it read, backwards', RX + 64, 0],
      ['its state', TX + 4, 3],
      ['its state, far', TX + 4, 0xffffffff],
      ['our counter', RX, 9],
      ['our state', RX + 4, 1],
      ['our counter of what we read', TX + 64, 0],
    ])('%s, loses that channel and no other until it shakes hands', async (_what, offset, value) => {
      const served = await serveIvc({ layout });
      const guest = await booted(served);
      await guest.channel(1).transfer(PING, challenge(1));
      // The bell that told of the answer's having been read was heard.
      await guest.pending();
      guest.sram.store(offset, value);
      guest.ring();
      await until(() => served.bridge.stats().channelResets === 1);
      const seen = served.handler.seen.length;
      // Whatever it does there now is not served.
      guest.sram.store(TX, 1);
      guest.ring();
      expect((await guest.channel(0).transfer(PING, challenge(1))).ret).toBe(0);
      expect((await guest.channel(3).transferAtomic(PING, challenge(1))).ret).toBe(0);
      expect(served.handler.seen.length).toBe(seen + 2);
      expect(await guest.sram.load(RX + 4)).toBe(1);
      await guest.channel(1).handshake();
      expect((await guest.channel(1).transfer(PING, challenge(1))).ret).toBe(0);
      expect(served.bridge.stats().channelResets).toBe(1);
    });

    it('by taking back its request loses it too', async () => {
      const served = await serveIvc({ layout });
      const given = withheld(served.handler);
      const guest = await booted(served);
      guest.channel(1).send(PING, challenge(1));
      await until(() => given.length === 1);
      guest.sram.store(TX, 0);
      guest.ring();
      await until(() => served.bridge.stats().channelResets === 1);
      given[0]!();
      await until(() => served.bridge.stats().abandonedNow === 0);
      expect(await guest.sram.load(RX)).toBe(0);
    });

    it('while its request is under way gets no answer there', async () => {
      const served = await serveIvc({ layout });
      const given = withheld(served.handler);
      const guest = await booted(served);
      guest.channel(1).send(PING, challenge(1));
      guest.channel(2).send(PING, challenge(2));
      await until(() => given.length === 2);
      guest.sram.store(TX, 5);
      await guest.sram.load(TX);
      given[0]!();
      await until(() => served.bridge.stats().channelResets === 1);
      expect(await guest.sram.load(RX)).toBe(0);
      given[1]!();
      await until(() => served.bridge.stats().inFlight === 0);
      expect((await guest.channel(2).read()).rx.readUInt32LE(0)).toBe(2);
      expect(served.bridge.stats()).toMatchObject({ channelResets: 1, abandonedNow: 0 });
    });
  });

  it('is told by the BPMP, and acknowledges', async () => {
    const served = await serveIvc({ layout });
    const guest = await booted(served);
    const trip = served.bridge.notify(27, words(100, 2));
    const { mrq, flags, data } = await guest.channel(13).takeRequest();
    expect([mrq, flags, data.readUInt32LE(0), data.readUInt32LE(4)]).toEqual([27, 3, 100, 2]);
    guest.channel(13).answerRequest(0, words(7));
    expect(await trip).toMatchObject({ outcome: 'acknowledged', ret: 0 });
    expect(served.bridge.stats()).toMatchObject({ notifies: 1, notifiesAcknowledged: 1, channelResets: 0 });
  });

  it('is told one thing at a time, in order', async () => {
    const served = await serveIvc({ layout });
    const guest = await booted(served);
    const results = Array.from({ length: 17 }, (_, i) => served.bridge.notify(27, words(100, i)));
    expect(await served.bridge.notify(27, words(100, 99))).toEqual({
      outcome: 'unanswered',
      reason: 'queue-full',
    });
    for (let i = 0; i < 17; i++) {
      expect((await guest.channel(13).takeRequest()).data.readUInt32LE(4)).toBe(i);
      guest.channel(13).answerRequest(-i, words(0));
      expect(await results[i]).toMatchObject({ outcome: 'acknowledged', ret: 0 - i });
    }
  });

  it('is told what came before its driver was there, if that is soon', async () => {
    const served = await serveIvc({ layout, deadlineMs: 300 });
    const guest = await served.connect();
    const early = served.bridge.notify(27, words(100, 1));
    await sleep(5);
    expect(await guest.sram.load(0x1d00)).toBe(0);
    await guest.boot();
    await guest.channel(13).takeRequest();
    guest.channel(13).answerRequest(0, words(0));
    expect((await early).outcome).toBe('acknowledged');
  });

  it('that does not acknowledge is waited for no longer than the deadline; the channel waits on', async () => {
    const served = await serveIvc({ layout, deadlineMs: 30 });
    const guest = await booted(served);
    expect(await served.bridge.notify(27, words(100, 1))).toEqual({
      outcome: 'unanswered',
      reason: 'deadline',
    });
    const next = served.bridge.notify(27, words(100, 2));
    expect((await guest.channel(13).takeRequest()).data.readUInt32LE(4)).toBe(1);
    guest.channel(13).answerRequest(0, words(0));
    expect((await guest.channel(13).takeRequest()).data.readUInt32LE(4)).toBe(2);
    guest.channel(13).answerRequest(4, words(0));
    expect(await next).toMatchObject({ outcome: 'acknowledged', ret: 4 });
  });

  it('that answers what nobody asked, or has not read, loses that channel', async () => {
    const served = await serveIvc({ layout });
    const guest = await booted(served);
    guest.channel(13).answerRequest(0, words(0));
    await until(() => served.bridge.stats().channelResets === 1);
    await guest.channel(13).handshake();
    const trip = served.bridge.notify(27, words(100, 1));
    guest.channel(13).answerRequest(0, words(0));
    expect(await trip).toEqual({ outcome: 'unanswered', reason: 'restarted' });
    expect(served.bridge.stats().channelResets).toBe(2);
    expect((await guest.channel(0).transfer(PING, challenge(1))).ret).toBe(0);
  });
});

describe('serving', () => {
  it.each(['hsp', 'sram'] as const)('ends when the guest leaves its %s', async (which) => {
    const { connect, end, sockets, bridge } = await serveIvc();
    const guest = await connect();
    const trip = bridge.notify(27, words(100, 0));
    (which === 'hsp' ? guest.hsp : guest.sramClient).close();
    expect(await end).toEqual({ reason: 'guest-gone' });
    expect(await trip).toEqual({ outcome: 'unanswered', reason: 'gone' });
    expect(await bridge.notify(27, words(100, 0))).toEqual({ outcome: 'unanswered', reason: 'gone' });
    expect([existsSync(sockets.hsp), existsSync(sockets.sram)]).toEqual([false, false]);
  });

  it('ends when the guest goes with requests under way', async () => {
    const served = await serveIvc({ layout: 'shared' });
    const given = withheld(served.handler);
    const guest = await booted(served);
    guest.channel(0).send(PING, challenge(1));
    guest.channel(1).send(PING, challenge(1));
    await until(() => given.length === 2);
    guest.close();
    expect(await served.end).toEqual({ reason: 'guest-gone' });
    expect(served.bridge.stats()).toMatchObject({ abandonedNow: 2, inFlight: 0 });
    for (const give of given) give();
    await until(() => served.bridge.stats().abandonedNow === 0);
  });

  it('does not mistake a look at a socket for a guest, nor half a guest for none', async () => {
    const { connect, sockets, end } = await serveIvc();
    new VfioUserClient(sockets.sram).close();
    new VfioUserClient(sockets.hsp).close();
    await sleep(10);
    const guest = await connect();
    await guest.boot();
    guest.close();
    expect(await end).toEqual({ reason: 'guest-gone' });
    const half = await serveIvc();
    const client = new VfioUserClient(half.sockets.sram);
    await client.start();
    client.close();
    expect(await half.end).toEqual({ reason: 'guest-gone' });
  });

  it('ends with the one line of what a client did wrong', async () => {
    const { sockets, end } = await serveIvc();
    const client = new VfioUserClient(sockets.sram);
    onTestFinished(() => client.close());
    client.sendRaw(Buffer.alloc(16));
    expect(await end).toEqual({
      reason: 'fault',
      message: expect.stringMatching(/^a message of 0 bytes/),
    });
  });

  it('goes on with the next guest where it is told to, and shows it nothing of the last', async () => {
    const { connect, bridge, end, handler } = await serveIvc({ layout: 'shared', keepListening: true });
    let ended = end;
    for (let i = 0; i < 3; i++) {
      const guest = await connect();
      expect((await guest.sram.bytes(0, 0x2000)).every((byte) => byte === 0)).toBe(true);
      await guest.boot();
      await guest.channel(0).transfer(PING, challenge(1));
      expect(bridge.stats()).toMatchObject({ connections: 2, transfers: 1 });
      guest.close();
      expect(await ended).toEqual({ reason: 'guest-gone' });
      ended = bridge.serve();
    }
    expect(handler.seen.length).toBe(3);
    bridge.close();
    expect(await ended).toEqual({ reason: 'closed' });
    expect(await bridge.serve()).toEqual({ reason: 'closed' });
  });

  it('turns a second client away from either socket', async () => {
    const { connect, sockets } = await serveIvc();
    const guest = await connect();
    for (const path of [sockets.hsp, sockets.sram]) {
      const second = new VfioUserClient(path);
      onTestFinished(() => second.close());
      expect(await second.reply()).toBeUndefined();
    }
    await guest.boot();
  });

  it('is refused, in one line, where either socket cannot be had; the other is closed again', async () => {
    const hsp = `${temporaryFolder()}/hsp`;
    const bridge = new IvcBridge({
      sockets: { hsp, sram: '/nowhere/sram' },
      layout: 'trapped',
      handler: new EchoHandler(),
    });
    const message = 'cannot listen at /nowhere/sram: bind(/nowhere/sram): No such file or directory';
    await expect(bridge.listening).rejects.toMatchObject({ code: 'GPUVM_BRIDGE', message });
    expect(await bridge.serve()).toEqual({ reason: 'fault', message });
    expect(existsSync(hsp)).toBe(false);
  });

  it('refuses a notification that no frame can hold', async () => {
    const { bridge, connect } = await serveIvc();
    await connect();
    expect(() => bridge.notify(27, new Uint8Array(121))).toThrow(RangeError);
  });
});

it('the BARs lie where they are told to', () => {
  expect(ivcBars({ sram: 0x10b00000n })).toEqual([
    { vendor: 0x1af4, device: 0x10f1, bar: 0, size: 0x100000, address: 0x10900000n },
    { vendor: 0x1af4, device: 0x10f2, bar: 0, size: 0x2000, address: 0x10b00000n },
  ]);
});
