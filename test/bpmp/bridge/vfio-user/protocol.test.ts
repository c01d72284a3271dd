import { closeSync, fstatSync, openSync, readdirSync, readlinkSync } from 'node:fs';
import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import { addon } from '../../../../src/native/index.js';
import { access, VfioUserClient, version, words } from '../../../support/vfio-user-client.js';
import { serve, WINDOW } from './served.js';

const { EINVAL, EOPNOTSUPP, EPROTONOSUPPORT } = constants.errno;
const REPLY = 1;
const ERROR_REPLY = 0x21;

describe('VERSION', () => {
  it('is answered with our limits', async () => {
    const { path } = await serve();
    const client = new VfioUserClient(path);
    const { flags, payload } = await client.request(1, version('{"capabilities":{}}\0', 0, 3));
    expect(flags).toBe(REPLY);
    expect(payload.readUInt32LE(0)).toBe(0);
    expect(payload.at(-1)).toBe(0);
    expect(JSON.parse(payload.toString('utf8', 4, payload.length - 1))).toEqual({
      capabilities: { max_msg_fds: 8, max_data_xfer_size: 0x10000 },
    });
    client.close();
  });

  it.each([
    ['another major version', version('{}\0', 1), EPROTONOSUPPORT],
    ['no version', Buffer.alloc(3), EINVAL],
    ['no NUL', version('{}'), EINVAL],
    ['no JSON', version('{\0'), EINVAL],
    ['no UTF-8', Buffer.concat([version('"'), Buffer.from([0xff, 0x22, 0])]), EINVAL],
    ['no object', version('[]\0'), EINVAL],
    ['deep nesting', version(`${'['.repeat(60_000)}\0`), EINVAL],
  ])('is refused with %s', async (_what, payload, errno) => {
    const { path } = await serve();
    const client = new VfioUserClient(path);
    expect(await client.request(1, payload)).toMatchObject({
      flags: ERROR_REPLY,
      errno,
      payload: Buffer.alloc(0),
    });
    // Nothing was begun, so it can be tried again.
    expect((await client.start()).flags).toBe(REPLY);
    client.close();
  });

  it('comes first and once', async () => {
    const { path } = await serve();
    const client = new VfioUserClient(path);
    expect((await client.read(7, 0, 4)).errno).toBe(EINVAL);
    expect((await client.request(13, Buffer.alloc(0))).errno).toBe(EINVAL);
    await client.start();
    expect((await client.start()).errno).toBe(EINVAL);
    client.close();
  });
});

describe('descriptions', () => {
  it('say it is a PCI device that can be reset', async () => {
    const client = await (await serve()).connect();
    const { payload } = await client.request(4, words(16, 0, 0, 0));
    expect([...new Uint32Array(Uint8Array.from(payload).buffer)]).toEqual([16, 3, 9, 3]);
  });

  it('are as long as the client’s own structure', async () => {
    const client = await (await serve()).connect();
    for (const size of [20, 24]) {
      const { payload } = await client.request(4, Buffer.concat([words(size), Buffer.alloc(size - 4)]));
      expect(payload).toEqual(Buffer.concat([words(size, 3, 9, 3), Buffer.alloc(size - 16)]));
    }
    for (const size of [0, 12, 28])
      expect((await client.request(4, Buffer.alloc(size, 1))).errno).toBe(EINVAL);
  });

  it('give each region', async () => {
    const client = await (await serve()).connect();
    const info = async (index: number) => {
      const { payload } = await client.request(5, words(32, 0, index, 0, 0, 0, 0, 0));
      return [...new Uint32Array(Uint8Array.from(payload).buffer)];
    };
    expect(await info(0)).toEqual([32, 3, 0, 0, 0x2000, 0, 0, 0]);
    expect(await info(1)).toEqual([32, 0, 1, 0, 0, 0, 0, 0]);
    expect(await info(7)).toEqual([32, 3, 7, 0, 256, 0, 0, 0]);
  });

  it('offer the shared page once there is room to say so, with its memory', async () => {
    const client = await (await serve({ layout: 'shared' })).connect();
    const first = await client.request(5, words(32, 0, 0, 0, 0, 0, 0, 0));
    expect([...new Uint32Array(Uint8Array.from(first.payload).buffer)]).toEqual([
      64, 15, 0, 32, 0x2000, 0, 0, 0,
    ]);
    expect(first.fds).toEqual([]);
    const { payload, fds } = await client.request(5, words(64, 0, 0, 0, 0, 0, 0, 0));
    expect([...new Uint32Array(Uint8Array.from(payload).buffer)]).toEqual([
      ...[64, 15, 0, 32, 0x2000, 0, 0, 0],
      ...[0x10001, 0, 1, 0],
      ...[0, 0, 0x1000, 0],
    ]);
    expect(fds).toHaveLength(1);
    expect(fstatSync(fds[0]!).size).toBe(0x1000);
    closeSync(fds[0]!);
  });

  it('give interrupts of which there are none', async () => {
    const client = await (await serve()).connect();
    const { payload } = await client.request(7, words(16, 0, 0, 0));
    expect([...new Uint32Array(Uint8Array.from(payload).buffer)]).toEqual([16, 0, 0, 0]);
    expect((await client.request(7, words(16, 0, 3, 0))).errno).toBe(EINVAL);
  });

  it.each([
    ['device info without room', 4, words(15, 0, 0, 0)],
    ['device info too long', 4, Buffer.alloc(28, 1)],
    ['region info without room', 5, words(31, 0, 0, 0, 0, 0, 0, 0)],
    ['region info too short', 5, words(32, 0, 0)],
    ['a region that is not', 5, words(32, 0, 9, 0, 0, 0, 0, 0)],
    ['a region far off', 5, words(32, 0, 0xffffffff, 0, 0, 0, 0, 0)],
    ['interrupt info too short', 7, words(16, 0, 0)],
    ['interrupts that are not', 8, words(20, 0x24, 0, 0, 1)],
    ['an interrupt index far off', 8, words(20, 0x21, 0xffffffff, 0, 0)],
    ['interrupts with two actions', 8, words(20, 0x19, 0, 0, 0)],
    ['interrupts without data', 8, words(20, 0x20, 0, 0, 0)],
    ['interrupts with a count that wraps', 8, words(20, 0x21, 0, 0xffffffff, 0xffffffff)],
    ['a DMA_MAP too short', 2, words(32, 3, 0, 0)],
    ['a DMA_MAP beyond 64 bits', 2, words(32, 3, 0, 0, 0xffffffff, 0xffffffff, 2, 0)],
    ['an empty DMA_MAP', 2, words(32, 3, 0, 0, 0, 0, 0, 0)],
    ['a DMA_UNMAP too long', 3, words(24, 0, 0, 0, 0, 0, 0)],
  ])('refuse %s', async (_what, command, payload) => {
    const client = await (await serve()).connect();
    expect(await client.request(command, payload)).toMatchObject({ flags: ERROR_REPLY, errno: EINVAL });
  });

  it.each([6, 11, 12, 14, 15, 16, 17, 18, 0, 0xffff])('do not offer command %i', async (command) => {
    const client = await (await serve()).connect();
    expect((await client.request(command, Buffer.alloc(16))).errno).toBe(EOPNOTSUPP);
  });
});

describe('accesses', () => {
  it('reach configuration space, where only what is writable changes', async () => {
    const client = await (await serve()).connect();
    const { payload } = await client.read(7, 0, 256);
    expect(payload.length).toBe(16 + 256);
    expect(payload.readUInt32LE(16)).toBe(0x10f01af4);
    expect(payload.readUInt32LE(16 + 8)).toBe(0x08800001);
    await client.write(7, 0, Buffer.alloc(64, 0xff));
    const changed = (await client.read(7, 0, 64)).payload.subarray(16);
    expect(changed.readUInt32LE(0)).toBe(0x10f01af4);
    expect(changed.readUInt32LE(4)).toBe(0x406);
    expect(changed.readUInt32LE(0x10)).toBe(0xffffe000);
    expect(changed.readUInt32LE(0x14)).toBe(0);
    expect(changed.readUInt32LE(0x30)).toBe(0);
    await client.request(13, Buffer.alloc(0));
    expect((await client.read(7, 4, 4)).payload.readUInt32LE(16)).toBe(0);
  });

  it.each([
    ['a read beyond the region', 9, access(0, 0x1ffc, 8)],
    ['a read from beyond 64 bits', 9, access(0, 0xffff_ffff_ffff_fffcn, 8)],
    ['a read from beyond 53 bits', 9, access(0, 0x20_0000_0000_0000n, 4)],
    ['a read of nothing', 9, access(0, 0, 0)],
    ['a huge read', 9, access(0, 0, 0xffffffff)],
    ['a read of an absent BAR', 9, access(1, 0, 4)],
    ['a read of no region', 9, access(9, 0, 4)],
    ['a read with data', 9, Buffer.concat([access(0, 0, 4), Buffer.alloc(4)])],
    ['a short read', 9, Buffer.alloc(12)],
    ['a write beyond the region', 10, Buffer.concat([access(0, 0x1ffc, 8), Buffer.alloc(8)])],
    ['a write with too little data', 10, Buffer.concat([access(0, 0, 8), Buffer.alloc(4)])],
    ['a write with too much data', 10, Buffer.concat([access(0, 0, 8), Buffer.alloc(9)])],
    ['a huge write', 10, access(0, 0, 0xfffffff0)],
  ])('refuse %s', async (_what, command, payload) => {
    const { connect, handler } = await serve();
    const client = await connect();
    const reply = await client.request(command, payload);
    expect(reply.flags).toBe(ERROR_REPLY);
    expect(reply.errno).toBeGreaterThan(0);
    expect(handler.seen).toEqual([]);
  });

  it('are never answered when posted, however wrong they are', async () => {
    const client = await (await serve()).connect();
    client.postedWrite(0, WINDOW, Buffer.alloc(8, 1));
    client.postedWrite(9, 0, Buffer.alloc(8));
    client.post(9, access(0, 0, 8), 0x10);
    expect((await client.read(0, WINDOW, 8)).payload.toString('hex', 16)).toBe('0101010101010101');
  });

  it('are handled when they come in pieces, and several at a time', async () => {
    const client = await (await serve()).connect();
    const bytes = Buffer.concat([1, 2, 3].map((id) => Buffer.concat([head(id), access(7, 0, 4)])));
    for (const cut of [1, 15, 16, 31, 32, 40]) {
      client.sendRaw(bytes.subarray(0, cut));
      await new Promise((resolve) => setTimeout(resolve, 5));
      client.sendRaw(bytes.subarray(cut));
      for (const id of [1, 2, 3]) expect((await client.reply())?.id).toBe(id);
    }
  });
});

describe('descriptors', () => {
  it('that a client passes are closed', async () => {
    const client = await (await serve()).connect();
    const before = descriptors();
    const fd = openSync('/dev/null', 'r');
    const map = words(32, 3, 0, 0, 0x40000000, 0, 0x1000, 0);
    for (let i = 0; i < 20; i++) expect((await client.request(2, map, [fd])).flags).toBe(REPLY);
    // With a request that wants none, with one that is refused, and more than were agreed on.
    await client.request(4, words(16, 0, 0, 0), [fd, fd]);
    await client.request(8, words(20, 0x24, 0, 0, 1), [fd]);
    await client.request(
      2,
      map,
      Array.from({ length: 40 }, () => fd),
    );
    closeSync(fd);
    expect(descriptors()).toEqual(before);
  });

  it('without a message end the connection', async () => {
    const { connect, end } = await serve();
    const client = await connect();
    const before = descriptors();
    const fd = openSync('/dev/null', 'r');
    const bytes = head(1, 0x8000);
    try {
      for (let i = 0; i < bytes.length; i++) {
        client.sendRaw(
          bytes.subarray(i, i + 1),
          Array.from({ length: 8 }, () => fd),
        );
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    } catch (error) {
      expect(error).toMatchObject({ code: 'EPIPE' });
    }
    closeSync(fd);
    expect(await end).toMatchObject({ reason: 'fault' });
    expect(descriptors().length).toBeLessThan(before.length);
  });
});

it('the stream ends where it cannot be followed', async () => {
  for (const size of [0, 15, 0x10021, 0xffffffff]) {
    const { connect, end } = await serve();
    const client = await connect();
    client.sendRaw(head(1, size));
    expect(await end).toMatchObject({
      reason: 'fault',
      message: expect.stringMatching(/^a message of \d+ bytes/),
    });
  }
});

it('a client that reads nothing is not served any further, and loses nothing', async () => {
  const { connect, bridge } = await serve();
  const client = await connect();
  client.stopReading();
  const request = Buffer.concat([head(7), access(0, 0, 0x2000)]);
  let sent = 0;
  for (let idle = 0; idle < 20; ) {
    if (client.sendRaw(request)) sent++;
    else {
      idle++;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
  const served = bridge.stats().trappedReads!;
  expect(served).toBeLessThan(sent);
  client.resumeReading();
  for (let i = 0; i < sent; i++) expect((await client.reply())?.payload.length).toBe(16 + 0x2000);
  expect(bridge.stats().trappedReads).toBe(sent);
});

function head(id: number, size = 32): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16LE(id, 0);
  bytes.writeUInt16LE(9, 2);
  bytes.writeUInt32LE(size, 4);
  return bytes;
}

/** What this process has open, less what comes and goes by itself. */
function descriptors(): string[] {
  addon();
  return readdirSync('/proc/self/fd')
    .map((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`);
      } catch {
        return '';
      }
    })
    .filter((target) => /null|socket/.test(target))
    .sort();
}
