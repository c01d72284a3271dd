import { closeSync, fstatSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addon, WOULD_BLOCK } from '../../src/native/index.js';
import { QmpClient } from '../../src/qmp/index.js';
import { GREETING } from './fake-server.js';

let folder: string;
let path: string;
const open: number[] = [];
let files: number[];
let listener: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gpuvm-fds-'));
  path = join(folder, 'qmp');
  files = ['a', 'b', 'c'].map((name) => openSync(join(folder, name), 'w+'));
  open.push(...files);
  listener = addon().unixListen(path, 0o600);
  open.push(listener);
});
afterEach(() => {
  for (const fd of open.splice(0)) addon().closeFd(fd);
  rmSync(folder, { recursive: true, force: true });
});

/** The other side of a monitor's socket, turned by hand: what comes, with the descriptors that came along. */
class RawPeer {
  readonly #fd: number;
  #text = '';
  /** What was received, and the inodes of its descriptors, by piece. */
  readonly pieces: { text: string; inodes: number[] }[] = [];

  constructor(fd: number) {
    this.#fd = fd;
    open.push(fd);
  }

  static async accept(): Promise<RawPeer> {
    for (;;) {
      const fd = addon().unixAccept(listener);
      if (fd !== WOULD_BLOCK) return new RawPeer(fd);
      await turn();
    }
  }

  say(message: object): void {
    const bytes = Buffer.from(`${JSON.stringify(message)}\n`);
    addon().unixSend(this.#fd, bytes, 0, bytes.length);
  }

  /** The next whole line. */
  async line(): Promise<Record<string, unknown>> {
    const into = new Uint8Array(65536);
    const fds = new Int32Array(8);
    for (;;) {
      const end = this.#text.indexOf('\n');
      if (end >= 0) {
        const line = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 1);
        return JSON.parse(line);
      }
      const got = addon().unixReceive(this.#fd, into, 0, into.length, fds);
      if (got === WOULD_BLOCK) {
        await turn();
        continue;
      }
      if (got === 0) throw new Error('the client went');
      const text = Buffer.from(into.subarray(0, got)).toString();
      const came = [...fds.subarray(1, 1 + fds[0]!)];
      this.pieces.push({ text, inodes: came.map((fd) => fstatSync(fd).ino) });
      for (const fd of came) closeSync(fd);
      this.#text += text;
    }
  }
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 1));
const inode = (fd: number) => fstatSync(fd).ino;

async function connected() {
  const connecting = QmpClient.connect({ path });
  const peer = await RawPeer.accept();
  peer.say(GREETING);
  await peer.line();
  peer.say({ return: {} });
  return { peer, client: await connecting };
}

describe('descriptors that go along with a command', () => {
  it('arrive with the first byte of their own command, in order with what was sent before', async () => {
    const { client, peer } = await connected();
    const before = client.execute('stop');
    const passing = client.execute('getfd', { fdname: 'disk' }, { fds: [files[0]!, files[1]!] });
    const after = client.execute('cont');
    const lines = [await peer.line(), await peer.line(), await peer.line()];
    expect(lines.map(({ execute }) => execute)).toEqual(['stop', 'getfd', 'cont']);
    const withFds = peer.pieces.find(({ inodes }) => inodes.length > 0);
    // The kernel may join what was sent before to it, and nothing that was sent after.
    expect(withFds?.text).toMatch(/\{"execute":"getfd"[^\n]+\n$/);
    expect(withFds?.inodes).toEqual([inode(files[0]!), inode(files[1]!)]);
    for (const { id } of lines) peer.say({ return: {}, id });
    await Promise.all([before, passing, after]);
    // They are still the caller's.
    expect(() => fstatSync(files[0]!)).not.toThrow();
    client.close();
  });

  it('go one command at a time, since QEMU keeps the newest alone; out-of-band commands pass those that wait', async () => {
    const { client, peer } = await connected();
    const first = client.execute('add-fd', {}, { fds: [files[0]!] });
    const second = client.execute('add-fd', {}, { fds: [files[1]!] });
    const third = client.execute('stop');
    const urgent = client.execute('migrate-pause', {}, { outOfBand: true });
    const { id } = await peer.line();
    const passed = await peer.line();
    expect(passed['exec-oob']).toBe('migrate-pause');
    peer.say({ return: {}, id: passed.id });
    await urgent;
    expect(peer.pieces.flatMap(({ inodes }) => inodes)).toEqual([inode(files[0]!)]);
    peer.say({ return: { 'fdset-id': 0, fd: 9 }, id });
    expect(await first).toEqual({ 'fdset-id': 0, fd: 9 });
    const next = [await peer.line(), await peer.line()];
    expect(next.map(({ execute }) => execute)).toEqual(['add-fd', 'stop']);
    expect(peer.pieces.flatMap(({ inodes }) => inodes)).toEqual(files.slice(0, 2).map(inode));
    for (const { id } of next) peer.say({ return: {}, id });
    await Promise.all([second, third]);
    client.close();
  });

  it('are never sent once their command was given up, when the number may be another file', async () => {
    const { client, peer } = await connected();
    const first = client.execute('add-fd', {}, { fds: [files[0]!] });
    const second = client.execute('add-fd', {}, { fds: [files[1]!], deadlineMs: 20 });
    await expect(second).rejects.toMatchObject({ code: 'GPUVM_QMP_TIMEOUT' });
    peer.say({ return: {}, id: (await peer.line()).id });
    await first;
    const third = client.execute('stop');
    const line = await peer.line();
    expect(line.execute).toBe('stop');
    peer.say({ return: {}, id: line.id });
    await third;
    expect(peer.pieces.flatMap(({ inodes }) => inodes)).toEqual([inode(files[0]!)]);
    expect(client.lateReplies).toBe(0);
    client.close();
  });

  it('wait behind a long line that the other side has not read', async () => {
    const { client, peer } = await connected();
    const long = client.execute('qom-set', { path: '/', property: 'x', value: 'y'.repeat(3_000_000) });
    const passing = client.execute('getfd', { fdname: 'late' }, { fds: [files[2]!] });
    await new Promise((resolve) => setTimeout(resolve, 30));
    const lines = [await peer.line(), await peer.line()];
    expect(lines.map(({ execute }) => execute)).toEqual(['qom-set', 'getfd']);
    const withFds = peer.pieces.find(({ inodes }) => inodes.length > 0);
    expect(withFds?.text).toMatch(/\{"execute":"getfd"[^\n]+\n$/);
    expect(withFds?.inodes).toEqual([inode(files[2]!)]);
    for (const { id } of lines) peer.say({ return: {}, id });
    await Promise.all([long, passing]);
    client.close();
  });

  it('are refused where they are none, and the connection goes on', async () => {
    const { client, peer } = await connected();
    await expect(client.execute('getfd', { fdname: 'x' }, { fds: [999_999] })).rejects.toMatchObject({
      code: 'GPUVM_USAGE',
      message: expect.stringMatching(/sendmsg.*descriptor|descriptor.*sendmsg/i),
    });
    const asked = client.execute('query-status');
    const line = await peer.line();
    peer.say({ return: { status: 'running', running: true }, id: line.id });
    expect((await asked).running).toBe(true);
    client.close();
  });
});
