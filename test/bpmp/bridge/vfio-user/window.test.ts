import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Outcome } from '../../../../src/bpmp/backend/backend.js';
import { addon } from '../../../../src/native/index.js';
import type { VfioUserClient } from '../../../support/vfio-user-client.js';
import { words } from '../../../support/vfio-user-client.js';
import { serve, WINDOW, windowImage } from './served.js';

const MRQ = WINDOW + 0x500;

/** The reply as the guest finds it in the window. */
async function reply(client: VfioUserClient) {
  const { payload } = await client.read(0, WINDOW, 0x600);
  const window = payload.subarray(16);
  const size = window.readBigUInt64LE(0x408);
  return {
    ret: window.readInt32LE(0x410),
    size,
    rx: window.toString('hex', 0x200, 0x200 + Math.min(Number(size), 512)),
  };
}

describe.each(['trapped', 'shared'] as const)('a window in layout %s', (layout) => {
  it('carries a transfer by the write that covers its MRQ register', async () => {
    const { connect, handler, bridge } = await serve({ layout });
    const client = await connect();
    await client.write(0, WINDOW, windowImage(Buffer.from('0102', 'hex')));
    expect(handler.seen).toEqual([]);
    await client.write(0, MRQ, words(22, 0));
    await client.write(0, MRQ + 8, Buffer.alloc(0xf8));
    expect(handler.seen).toEqual([{ mrq: 22, tx: '0102', room: 512 }]);
    expect(await reply(client)).toEqual({ ret: 0, size: 2n, rx: 'fefd' });
    expect(bridge.stats()).toMatchObject({
      transfers: 1,
      txBytes: 2,
      rxBytes: 2,
      trappedWrites: 3,
      trappedReads: 1,
    });
  });

  it.each([
    ['8 bytes at it', 0, 8, true],
    ['1 byte at it', 0, 1, true],
    ['16 bytes across it', -8, 16, true],
    ['4 bytes that end with its first', -3, 4, true],
    ['1 byte before it', -1, 1, false],
    ['8 bytes before it', -8, 8, false],
    ['1 byte in it', 1, 1, false],
    ['its upper half', 2, 2, false],
    ['8 bytes after it', 8, 8, false],
  ])('is started once by %s: %i, %i: %s', async (_what, at, size, starts) => {
    const { connect, handler } = await serve({ layout });
    const client = await connect();
    await client.write(0, MRQ + at, Buffer.alloc(size));
    expect(handler.seen.length).toBe(starts ? 1 : 0);
  });

  it('takes the MRQ at its full width', async () => {
    const { connect, handler } = await serve({ layout });
    const client = await connect();
    await client.write(0, MRQ, words(0xff000016));
    expect(handler.seen[0]?.mrq).toBe(0xff000016);
  });

  it.each([
    ['tx', 513n, 0n],
    ['tx', (1n << 64n) - 1n, 0n],
    ['tx', 1n << 32n, 0n],
    ['rx', 0n, 513n],
    ['rx', 0n, (1n << 32n) + 4n],
    ['rx', 512n, 1n << 63n],
  ])('refuses an impossible %s size (%i, %i)', async (what, txSize, rxSize) => {
    const { connect, handler } = await serve({ layout });
    const client = await connect();
    await client.write(0, WINDOW, windowImage(Buffer.alloc(0), txSize, rxSize));
    await client.write(0, MRQ, words(22, 0));
    expect(handler.seen).toEqual([]);
    expect(handler.malformedSeen).toEqual([{ mrq: 22, reason: expect.stringContaining(what) }]);
    expect(await reply(client)).toEqual({ ret: -22, size: 0n, rx: '' });
  });

  it('takes the largest sizes', async () => {
    const { connect, handler } = await serve({ layout });
    const client = await connect();
    const tx = Buffer.alloc(512, 0x5a);
    await client.write(0, WINDOW, windowImage(tx));
    await client.write(0, MRQ, words(1, 0));
    expect(handler.seen).toEqual([{ mrq: 1, tx: tx.toString('hex'), room: 512 }]);
    expect(await reply(client)).toEqual({ ret: 0, size: 512n, rx: 'a5'.repeat(512) });
  });

  it('writes the reply size with every reply, a refusal included', async () => {
    const { connect, handler } = await serve({ layout });
    handler.answer = () => ({ ret: -1, rxSize: 0 });
    const client = await connect();
    await client.write(0, WINDOW, windowImage(Buffer.alloc(8)));
    await client.write(0, MRQ, words(22, 0));
    expect(await reply(client)).toEqual({ ret: -1, size: 0n, rx: '' });
  });

  it('believes no handler that says it wrote more than there is room for', async () => {
    const { connect, handler } = await serve({ layout });
    handler.answer = (_mrq, _tx, rx) => {
      rx.fill(7);
      return { ret: 0, rxSize: 4096 };
    };
    const client = await connect();
    await client.write(0, WINDOW, windowImage(Buffer.alloc(0), 0n, 4n));
    await client.write(0, MRQ, words(22, 0));
    expect(await reply(client)).toEqual({ ret: 0, size: 4n, rx: '07070707' });
    expect((await client.read(0, WINDOW + 0x204, 4)).payload.readUInt32LE(16)).toBe(0);
  });

  it('neither leaks nor keeps anything outside', async () => {
    const { connect } = await serve({ layout });
    const client = await connect();
    await client.write(0, 0, Buffer.alloc(0x2000, 0xee));
    expect((await client.read(0, 0, WINDOW)).payload.subarray(16)).toEqual(Buffer.alloc(WINDOW));
    expect((await client.read(0, WINDOW + 0x600, 0xf00)).payload.subarray(16)).toEqual(Buffer.alloc(0xf00));
    const edge = (await client.read(0, WINDOW + 0x5fc, 8)).payload;
    expect(edge.toString('hex', 16)).toBe('eeeeeeee00000000');
  });

  it('is empty again after a reset', async () => {
    const { connect } = await serve({ layout });
    const client = await connect();
    await client.write(0, WINDOW, Buffer.alloc(0x500, 0xee));
    await client.write(0, MRQ + 8, Buffer.alloc(8, 0xee));
    expect((await client.request(13, Buffer.alloc(0))).errno).toBe(0);
    expect((await client.read(0, WINDOW, 0x600)).payload.subarray(16)).toEqual(Buffer.alloc(0x600));
  });

  it('keeps everything else waiting while a transfer lasts, in order', async () => {
    const { connect, handler } = await serve({ layout });
    let finish: ((outcome: Outcome) => void) | undefined;
    handler.answer = (_mrq, _tx, rx) => {
      rx[0] = 0x77;
      return new Promise((resolve) => {
        finish = resolve;
      });
    };
    const client = await connect();
    client.postedWrite(0, WINDOW, windowImage(Buffer.alloc(0)));
    client.postedWrite(0, MRQ, words(5, 0));
    // What another CPU does meanwhile, and the guest's own look at the outcome.
    client.postedWrite(0, MRQ, words(6, 0));
    const read = reply(client);
    await sleep(20);
    expect(handler.seen.map(({ mrq }) => mrq)).toEqual([5]);
    finish?.({ ret: 0, rxSize: 1 });
    await sleep(20);
    expect(handler.seen.map(({ mrq }) => mrq)).toEqual([5, 6]);
    finish?.({ ret: 3, rxSize: 1 });
    expect(await read).toEqual({ ret: 3, size: 1n, rx: '77' });
  });

  it('answers for a handler that is too late, and gives later requests other buffers', async () => {
    const { connect, handler, bridge } = await serve({ layout, deadlineMs: 30 });
    let late: Uint8Array | undefined;
    let finish: ((outcome: Outcome) => void) | undefined;
    handler.answer = (_mrq, _tx, rx) => {
      late = rx;
      return new Promise((resolve) => {
        finish = resolve;
      });
    };
    const client = await connect();
    await client.write(0, WINDOW, windowImage(Buffer.alloc(4)));
    await client.write(0, MRQ, words(5, 0));
    expect(await reply(client)).toEqual({ ret: -23, size: 0n, rx: '' });
    handler.answer = (_mrq, _tx, rx) => {
      late?.fill(0xbd);
      finish?.({ ret: 99, rxSize: 512 });
      rx[0] = 1;
      return { ret: 0, rxSize: 1 };
    };
    await client.write(0, WINDOW, windowImage(Buffer.alloc(4)));
    await client.write(0, MRQ, words(6, 0));
    await sleep(5);
    expect(await reply(client)).toEqual({ ret: 0, size: 1n, rx: '01' });
    expect(bridge.stats()).toMatchObject({ transfers: 2, late: 1 });
  });

  it('answers for a handler that fails against its promise', async () => {
    const { connect, handler } = await serve({ layout });
    handler.answer = () => Promise.reject(new Error('broken'));
    const client = await connect();
    await client.write(0, MRQ, words(5, 0));
    expect((await reply(client)).ret).toBe(-5);
  });
});

it('ends the connection for a handler that throws, rather than hide it', async () => {
  const { connect, handler, end } = await serve();
  handler.answer = () => {
    throw new Error('broken');
  };
  const client = await connect();
  client.postedWrite(0, MRQ, words(5, 0));
  expect(await end).toEqual({ reason: 'fault', message: 'the device failed: broken' });
});

it('shares the page before the MRQ register, and nothing else', async () => {
  const { connect, handler } = await serve({ layout: 'shared' });
  const client = await connect();
  const { fds } = await client.request(5, words(64, 0, 0, 0, 0, 0, 0, 0));
  const page = Buffer.from(addon().mapMemory(fds[0]!, 0x1000));
  page.set(windowImage(Buffer.from('abcd', 'hex'), 2n, 8n), WINDOW);
  await client.write(0, MRQ, words(22, 0));
  expect(handler.seen).toEqual([{ mrq: 22, tx: 'abcd', room: 8 }]);
  expect(page.toString('hex', WINDOW + 0x200, WINDOW + 0x202)).toBe('5432');
  expect(page.readBigUInt64LE(WINDOW + 0x408)).toBe(2n);
  expect(page.readInt32LE(WINDOW + 0x410)).toBe(0);
  // Nobody can make it smaller under the server's feet.
  const { truncateSync } = await import('node:fs');
  expect(() => truncateSync(`/proc/self/fd/${fds[0]}`, 0)).toThrow(/EPERM/);
});

it('looks only at its copy of a page that changes all the time', async () => {
  const { connect, handler } = await serve({ layout: 'shared' });
  const client = await connect();
  const { fds } = await client.request(5, words(64, 0, 0, 0, 0, 0, 0, 0));
  const page = Buffer.from(addon().mapMemory(fds[0]!, 0x1000));
  page.set(windowImage(Buffer.alloc(4, 1), 4n, 4n), WINDOW);
  let during: string | undefined;
  handler.answer = (_mrq, tx, rx) => {
    page.fill(0xff, WINDOW, WINDOW + 0x500);
    during = `${Buffer.from(tx).toString('hex')} ${rx.length}`;
    return { ret: 0, rxSize: 4 };
  };
  await client.write(0, MRQ, words(22, 0));
  expect(during).toBe('01010101 4');
  expect(page.toString('hex', WINDOW + 0x200, WINDOW + 0x206)).toBe('00000000ffff');
});
