import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, expect, it } from 'vitest';
import { addon, Descriptor, Ready, WOULD_BLOCK } from '../../src/native/index.js';

const open: Descriptor[] = [];
let sockets = 0;

afterEach(() => {
  for (const descriptor of open.splice(0)) descriptor.close();
});

function own(fd: number): number {
  open.push(new Descriptor(fd));
  return fd;
}

function pair(): [number, number] {
  const path = join(tmpdir(), `gpuvm-native-${process.pid}-${sockets++}`);
  const listener = own(addon().unixListen(path, 0o600));
  const client = own(addon().unixConnect(path));
  return [client, own(addon().unixAccept(listener))];
}

it('passes bytes and descriptors, close-on-exec at the other end', () => {
  const [left, right] = pair();
  const file = own(openSync('/dev/zero', 'r'));
  const bytes = Buffer.from('hello');
  expect(addon().unixSend(left, bytes, 1, 4, Int32Array.of(file, file))).toBe(4);
  const into = Buffer.alloc(16);
  const fds = new Int32Array(9);
  expect(addon().unixReceive(right, into, 2, 14, fds)).toBe(4);
  expect(into.toString('latin1', 2, 6)).toBe('ello');
  expect(fds[0]).toBe(2);
  own(fds[1]!);
  own(fds[2]!);
  expect(fstatSync(fds[1]!).rdev).toBe(fstatSync(file).rdev);
  expect(readFileSync(`/proc/self/fdinfo/${fds[1]}`, 'utf8')).toMatch(/flags:\s+02/);
  expect(addon().unixReceive(right, into, 0, 16, fds)).toBe(WOULD_BLOCK);
  expect(fds[0]).toBe(0);
});

it('closes descriptors for which there is no room', () => {
  const [left, right] = pair();
  const file = own(openSync('/dev/zero', 'r'));
  addon().unixSend(left, Buffer.alloc(1), 0, 1, new Int32Array(20).fill(file));
  const before = openSync('/dev/null', 'r');
  closeSync(before);
  const fds = new Int32Array(2);
  expect(addon().unixReceive(right, Buffer.alloc(4), 0, 4, fds)).toBe(1);
  expect(fds[0]).toBe(1);
  closeSync(fds[1]!);
  const after = openSync('/dev/null', 'r');
  closeSync(after);
  expect(after).toBe(before);
});

it('says that it would block, and when the other end has gone', () => {
  const [left, right] = pair();
  const bytes = Buffer.alloc(1 << 16);
  let sent = 0;
  for (let n = 0; n !== WOULD_BLOCK; ) {
    n = addon().unixSend(left, bytes, 0, bytes.length);
    if (n !== WOULD_BLOCK) sent += n;
  }
  expect(sent).toBeGreaterThan(0);
  open.find(({ fd }) => fd === left)?.close();
  let got = 0;
  for (let n = 1; n !== 0; got += n)
    n = addon().unixReceive(right, bytes, 0, bytes.length, new Int32Array(2));
  expect(got).toBe(sent);
  expect(() => addon().unixSend(right, bytes, 0, 1)).toThrow(
    expect.objectContaining({ code: 'EPIPE', syscall: 'sendmsg' }),
  );
});

it('keeps to the bounds of the array', () => {
  const [left] = pair();
  for (const [at, length] of [
    [0, 9],
    [8, 1],
    [-1, 1],
    [1, -1],
    [Number.MAX_SAFE_INTEGER, 1],
    [1, Number.MAX_SAFE_INTEGER],
  ]) {
    expect(() => addon().unixSend(left, Buffer.alloc(8), at!, length!)).toThrow(RangeError);
  }
  expect(() => addon().unixSend(left, {} as Uint8Array, 0, 1)).toThrow(TypeError);
});

it('closes a descriptor once', () => {
  const descriptor = new Descriptor(openSync('/dev/null', 'r'));
  const { fd } = descriptor;
  descriptor.close();
  const reused = own(openSync('/dev/null', 'r'));
  expect(reused).toBe(fd);
  descriptor.close();
  expect(fstatSync(reused).isCharacterDevice()).toBe(true);
  expect(descriptor.fd).toBe(-1);
});

it('tells the event loop of readiness until it is closed', async () => {
  const [left, right] = pair();
  const seen: number[] = [];
  const { Readiness } = addon();
  await new Promise<void>((resolve) => {
    const readiness = new Readiness(right, (events) => {
      seen.push(events);
      addon().unixReceive(right, Buffer.alloc(8), 0, 8, new Int32Array(1));
      readiness.close();
      readiness.close();
      readiness.watch(Ready.READABLE);
      resolve();
    });
    readiness.watch(Ready.READABLE);
    addon().unixSend(left, Buffer.alloc(1), 0, 1);
  });
  expect(seen).toEqual([Ready.READABLE]);
});

it('works in worker threads, and lets them be ended at any time', async () => {
  const [, right] = pair();
  for (let i = 0; i < 5; i++) {
    const worker = new Worker(
      `const { createRequire } = require('node:module');
       const { Readiness, createMemory, mapMemory } = require(${JSON.stringify(join(import.meta.dirname, '../../build/Release/gpuvm.node'))});
       new Uint8Array(mapMemory(createMemory('test', 4096), 4096))[0] = 1;
       new Readiness(${right}, () => {}).watch(1);
       require('node:worker_threads').parentPort.postMessage('up');`,
      { eval: true },
    );
    await new Promise((resolve) => worker.once('message', resolve));
    expect(await worker.terminate()).toBe(1);
  }
});

it('shares memory that keeps its size, and maintains its cache where that is done', () => {
  const fd = own(addon().createMemory('test', 8192));
  const one = new Uint8Array(addon().mapMemory(fd, 8192));
  const other = new Uint8Array(addon().mapMemory(fd, 4096));
  one[4095] = 7;
  expect(other[4095]).toBe(7);
  expect(other.length).toBe(4096);
  expect(addon().maintainCache(one.subarray(100, 200))).toBe(addon().maintainsCache);
  expect(addon().maintainsCache).toBe(process.arch === 'arm64');
  expect(() => addon().mapMemory(fd, 0)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
  expect(() => addon().mapMemory(-1, 4096)).toThrow(expect.objectContaining({ code: 'EBADF' }));
});
