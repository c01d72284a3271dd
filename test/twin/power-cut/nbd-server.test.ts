import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ByteReader } from '../../real/twin/power-cut/byte-reader.js';
import { NbdServer } from '../../real/twin/power-cut/nbd-server.js';
import { SECTOR, VolatileDisk } from '../../real/twin/power-cut/volatile-disk.js';

const [READ, WRITE, DISCONNECT, FLUSH, TRIM, WRITE_ZEROES] = [0, 1, 2, 3, 4, 6];
const FUA = 1;
const EINVAL = 22;
const NO_BYTES = Buffer.alloc(0);

/** A client as the protocol's text has it, so that server and client do not share a mistake. */
class Client {
  readonly #socket: Socket;
  readonly #reader: ByteReader;

  constructor(path: string) {
    this.#socket = connect(path);
    this.#reader = new ByteReader(this.#socket);
  }

  send(hex: string, ...more: Buffer[]): void {
    this.#socket.write(Buffer.concat([Buffer.from(hex.replaceAll(' ', ''), 'hex'), ...more]));
  }

  take(length: number): Promise<Buffer> {
    return this.#reader.take(length);
  }

  /** By way of NBD_OPT_GO, after an option that the server does not know. */
  async negotiate(): Promise<void> {
    expect((await this.take(18)).toString('hex')).toBe(`${hex('NBDMAGIC')}${hex('IHAVEOPT')}0003`);
    this.send(`00000003 ${hex('IHAVEOPT')} 00000008 00000000`);
    expect((await this.take(20)).toString('hex')).toBe('0003e889045565a9000000088000000100000000');
    this.send(`${hex('IHAVEOPT')} 00000007 00000006 00000000 0000`);
    expect((await this.take(32)).toString('hex')).toBe(
      '0003e889045565a9 00000007 00000003 0000000c 0000 0000000000002000 006d'.replaceAll(' ', ''),
    );
    await this.take(34);
    expect((await this.take(20)).toString('hex')).toBe('0003e889045565a9000000070000000100000000');
  }

  async request(
    command: number,
    offset: number,
    length: number,
    { flags = 0, data = NO_BYTES }: { flags?: number; data?: Buffer } = {},
  ) {
    const head = Buffer.alloc(28);
    head.writeUInt32BE(0x25609513, 0);
    head.writeUInt16BE(flags, 4);
    head.writeUInt16BE(command, 6);
    head.writeBigUInt64BE(77n, 8);
    head.writeBigUInt64BE(BigInt(offset), 16);
    head.writeUInt32BE(length, 24);
    this.send('', head, data);
    const reply = await this.take(16);
    expect(reply.readUInt32BE(0)).toBe(0x67446698);
    expect(reply.readBigUInt64BE(8)).toBe(77n);
    const error = reply.readUInt32BE(4);
    return { error, bytes: await this.take(error === 0 && command === READ ? length : 0) };
  }

  write(offset: number, data: Buffer, flags = 0) {
    return this.request(WRITE, offset, data.length, { flags, data });
  }

  kill(): void {
    this.#socket.destroy();
  }
}

const hex = (text: string) => Buffer.from(text).toString('hex');

describe('the NBD server of a disk that keeps what was flushed', () => {
  let folder: string;
  let server: NbdServer;
  let client: Client;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'gpuvm-nbd-'));
    server = await NbdServer.listen(join(folder, 'disk'), VolatileDisk.of(Buffer.alloc(16 * SECTOR)));
    client = new Client(join(folder, 'disk'));
  });

  afterEach(async () => {
    client.kill();
    await server.close();
    rmSync(folder, { recursive: true });
  });

  it('reads what was written, and keeps it after a flush alone', async () => {
    await client.negotiate();
    const data = Buffer.alloc(2 * SECTOR, 7);
    expect((await client.write(SECTOR, data)).error).toBe(0);
    expect((await client.request(READ, SECTOR, 2 * SECTOR)).bytes.equals(data)).toBe(true);
    expect(
      server.disk
        .afterCut('nothing')
        .read(SECTOR, 2 * SECTOR)
        .equals(data),
    ).toBe(false);
    expect((await client.request(FLUSH, 0, 0)).error).toBe(0);
    expect(
      server.disk
        .afterCut('nothing')
        .read(SECTOR, 2 * SECTOR)
        .equals(data),
    ).toBe(true);
  });

  it('keeps a write with FUA', async () => {
    await client.negotiate();
    await client.write(0, Buffer.alloc(SECTOR, 1));
    await client.write(SECTOR, Buffer.alloc(SECTOR, 2), FUA);
    const cut = server.disk.afterCut('nothing');
    expect([cut.read(0, 1 * SECTOR)[0], cut.read(SECTOR, SECTOR)[0]]).toEqual([0, 2]);
  });

  it('writes zeros, takes a trim for a hint', async () => {
    await client.negotiate();
    await client.write(0, Buffer.alloc(2 * SECTOR, 1));
    expect((await client.request(TRIM, 0, SECTOR)).error).toBe(0);
    expect((await client.request(WRITE_ZEROES, SECTOR, SECTOR)).error).toBe(0);
    expect((await client.request(READ, 0, 2 * SECTOR)).bytes[SECTOR]).toBe(0);
  });

  it('refuses what is beyond the end, not whole sectors, or unknown, and goes on', async () => {
    await client.negotiate();
    expect((await client.request(READ, 16 * SECTOR, SECTOR)).error).toBe(EINVAL);
    expect((await client.request(READ, 5, SECTOR)).error).toBe(EINVAL);
    expect((await client.write(15 * SECTOR, Buffer.alloc(2 * SECTOR))).error).toBe(EINVAL);
    expect((await client.request(99, 0, 0)).error).toBe(EINVAL);
    expect((await client.request(READ, 0, SECTOR)).error).toBe(0);
  });

  it('speaks to a client of the older way, NBD_OPT_EXPORT_NAME', async () => {
    await client.take(18);
    client.send(`00000001 ${hex('IHAVEOPT')} 00000001 00000000`);
    const answer = await client.take(134);
    expect(answer.subarray(0, 10).toString('hex')).toBe('0000000000002000006d');
    expect((await client.request(READ, 0, SECTOR)).error).toBe(0);
  });

  it('forgets a write of which a killed client sent only a part, and serves the next', async () => {
    await client.negotiate();
    client.send('25609513 0000 0001 0000000000000001 0000000000000000 00000400', Buffer.alloc(SECTOR, 9));
    client.kill();
    await server.idle();
    expect(server.disk.read(0, SECTOR)[0]).toBe(0);
    client = new Client(join(folder, 'disk'));
    await client.negotiate();
    expect((await client.request(READ, 0, SECTOR)).error).toBe(0);
  });

  it('ends with NBD_CMD_DISC, and with bytes that are no request', async () => {
    for (const last of ['25609513 0000 0002', '00000000 0000 0000']) {
      const one = new Client(join(folder, 'disk'));
      await one.negotiate();
      one.send(`${last} 0000000000000001 0000000000000000 00000000`);
      await expect(one.take(1)).rejects.toThrow('has gone');
    }
    expect(DISCONNECT).toBe(2);
  });

  it('is slow to flush where it is told to be', async () => {
    const path = join(folder, 'slow');
    const slow = await NbdServer.listen(path, VolatileDisk.of(Buffer.alloc(16 * SECTOR)), { flushMs: 80 });
    const one = new Client(path);
    await one.negotiate();
    await one.write(0, Buffer.alloc(SECTOR, 3));
    const started = performance.now();
    const flushed = one.request(FLUSH, 0, 0);
    expect(slow.disk.unflushed).toBe(1);
    await flushed;
    expect(performance.now() - started).toBeGreaterThan(70);
    expect(slow.disk.unflushed).toBe(0);
    await slow.close();
  });
});
