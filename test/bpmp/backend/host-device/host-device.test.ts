import { execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBackend, HostDevice } from '../../../../src/bpmp/backend/index.js';
import { BwmgrIntCommand, ClkCommand, Mrq } from '../../../../src/bpmp/wire/index.js';
import { GpuvmError } from '../../../../src/errors.js';
import { words } from '../request.js';

let directory: string;
const at = (name: string) => join(directory, name);

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'gpuvm-host-device-'));
  writeFileSync(at('file'), '');
  mkdirSync(at('directory'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

// No such device is here, so files that take a write stand in for it: they show that the message is handed over and
// what comes of an errno, not what a driver does.
describe.each([
  ['on its own thread', false],
  ['on the calling thread', true],
])('transfers %s', (_, blocking) => {
  it('drops the ioctl where there is none, and takes a whole write for success', async () => {
    writeFileSync(at('file'), '');
    const device = HostDevice.open(at('file'), { blocking });
    expect(device.stats().form).toBe('unknown');
    const rx = new Uint8Array(8).fill(0xa5);
    for (let round = 0; round < 3; round++) {
      expect(await device.transfer(22, words(0x0100_0029), rx)).toEqual({ ret: 0, rxSize: 8 });
    }
    expect(rx).toEqual(new Uint8Array(8));
    expect(device.stats()).toEqual({ transfers: 3, form: 'write', errors: {}, pending: 0 });
    device.close();
    const messages = readFileSync(at('file'));
    expect(messages).toHaveLength(3 * 48);
    const [mrq, reserved, txSize, rxSize, ret] = [
      messages.readUInt32LE(0),
      messages.readUInt32LE(4),
      messages.readBigUInt64LE(16),
      messages.readBigUInt64LE(32),
      messages.readInt32LE(40),
    ];
    expect([mrq, reserved, txSize, rxSize, ret]).toEqual([22, 0, 4n, 8n, 0]);
    expect(messages.readBigUInt64LE(8)).not.toBe(0n);
  });

  it('offers the driver no more room than a frame has', async () => {
    writeFileSync(at('file'), '');
    const device = HostDevice.open(at('file'), { blocking });
    const rx = new Uint8Array(512).fill(0xa5);
    expect(await device.transfer(UNKNOWN_MRQ, words(1), rx)).toEqual({ ret: 0, rxSize: 120 });
    expect([rx[119], rx[120]]).toEqual([0, 0xa5]);
    device.close();
    expect(readFileSync(at('file')).readBigUInt64LE(32)).toBe(120n);
  });

  it('passes on no more of a frame than the reply, and sends no less than the request’s struct', async () => {
    writeFileSync(at('file'), '');
    const device = HostDevice.open(at('file'), { blocking });
    const rx = new Uint8Array(512).fill(0xa5);
    expect(await device.transfer(Mrq.PING, words(1), rx)).toEqual({ ret: 0, rxSize: 4 });
    const getRate = words((ClkCommand.GET_RATE << 24) | 304);
    expect(await device.transfer(Mrq.CLK, getRate, rx)).toEqual({ ret: 0, rxSize: 8 });
    const capSet = words(BwmgrIntCommand.CAP_SET, 1);
    expect(await device.transfer(Mrq.BWMGR_INT, capSet, rx)).toEqual({ ret: 0, rxSize: 0 });
    // SET_RATE without its rate: what is missing is zero, and the reply is that of the whole request.
    const cutShort = words((ClkCommand.SET_RATE << 24) | 304);
    expect(await device.transfer(Mrq.CLK, cutShort, rx)).toEqual({ ret: 0, rxSize: 8 });
    await device.transfer(UNKNOWN_MRQ, words(1), rx);
    device.close();
    const messages = readFileSync(at('file'));
    const sizes = [0, 1, 2, 3, 4].map((index) => messages.readBigUInt64LE(48 * index + 16));
    expect(sizes).toEqual([4n, 4n, 12n, 120n, 120n]);
  });

  it('gives the errno of a refusal, and counts it', async () => {
    const device = HostDevice.open('/dev/full', { blocking });
    const rx = new Uint8Array(4).fill(0xa5);
    for (let round = 0; round < 2; round++) {
      expect(await device.transfer(0, words(1), rx)).toEqual({ ret: -28, rxSize: 0 });
    }
    expect(rx).toEqual(new Uint8Array(4).fill(0xa5));
    expect(device.stats()).toMatchObject({ transfers: 2, form: 'write', errors: { ENOSPC: 2 } });
    expect(device.refusal()).toBe('the driver of /dev/full answered ENOSPC, and not the firmware');
    device.close();
  });

  it('refuses payloads beyond 512 bytes before any call', async () => {
    const device = HostDevice.open('/dev/null', { blocking });
    const [small, large] = [new Uint8Array(512), new Uint8Array(513)];
    expect(await device.transfer(0, large, small)).toEqual({ ret: -22, rxSize: 0 });
    expect(await device.transfer(0, small, large)).toEqual({ ret: -22, rxSize: 0 });
    expect(device.stats().transfers).toBe(0);
    expect(await device.transfer(0, small, new Uint8Array())).toEqual({ ret: 0, rxSize: 0 });
    device.close();
    device.close();
    expect(await device.transfer(0, small, small)).toEqual({ ret: -19, rxSize: 0 });
  });
});

const UNKNOWN_MRQ = 1234;

describe('the thread of a device', () => {
  it('keeps the order of a thousand transfers', async () => {
    writeFileSync(at('file'), '');
    const device = HostDevice.open(at('file'));
    const all = Array.from({ length: 250 }, (_, mrq) =>
      Array.from({ length: 4 }, () => [mrq] as const),
    ).flat();
    const rx = new Uint8Array(4);
    for (let start = 0; start < all.length; start += 100) {
      await Promise.all(all.slice(start, start + 100).map(([mrq]) => device.transfer(mrq, words(mrq), rx)));
    }
    device.close();
    const messages = readFileSync(at('file'));
    expect(Array.from({ length: 1000 }, (_, index) => messages.readUInt32LE(index * 48))).toEqual(
      all.map(([mrq]) => mrq),
    );
  });

  it('copies the request at once', async () => {
    const device = HostDevice.open('/dev/null');
    const tx = words(1);
    const going = device.transfer(0, tx, new Uint8Array(4));
    tx.fill(0xff);
    expect(await going).toEqual({ ret: 0, rxSize: 4 });
    device.close();
  });

  it('is not waited for when it hangs, and lets go of the device when it can', async () => {
    const fifo = at('fifo');
    execFileSync('mkfifo', [fifo]);
    const device = HostDevice.open(fifo);
    const rx = new Uint8Array(4);
    // A pipe holds 64 KiB, and then blocks whoever writes.
    const going: (object | Promise<object>)[] = [];
    for (let round = 0; round < 7; round++) {
      for (let count = 0; count < 256; count++) going.push(device.transfer(0, words(1), rx));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(device.stats().pending).toBe(256);
    expect(await going.at(-1)).toEqual({ ret: -16, rxSize: 0 });
    const hung = going.filter((answer) => answer instanceof Promise).at(-1);
    const started = performance.now();
    device.close();
    expect(await hung).toEqual({ ret: -19, rxSize: 0 });
    expect(performance.now() - started).toBeLessThan(1_000);
    // Once its write goes through the thread ends and closes its end: the pipe then has no writer left.
    const reader = openSync(fifo, 'r');
    const buffer = Buffer.alloc(1 << 16);
    let got = 0;
    for (let read = -1; read !== 0; got += read) read = readSync(reader, buffer);
    closeSync(reader);
    expect(got % 48).toBe(0);
  }, 10_000);

  it('answers -EBUSY when too many wait', async () => {
    const fifo = at('fifo-busy');
    execFileSync('mkfifo', [fifo]);
    const device = HostDevice.open(fifo);
    const rx = new Uint8Array(4);
    const answers = Array.from({ length: 300 }, () => device.transfer(0, words(1), rx));
    expect(answers.at(-1)).toEqual({ ret: -16, rxSize: 0 });
    device.close();
    await Promise.all(answers);
  });

  it('ends with a worker that is ended in the middle of a transfer', async () => {
    const fifo = at('fifo-worker');
    execFileSync('mkfifo', [fifo]);
    // `tsx` is registered by hand: a worker takes the loader only from the main thread, which here is vitest's.
    const tsx = import.meta.resolve('tsx/esm/api');
    const module = new URL('../../../../src/bpmp/backend/index.ts', import.meta.url).href;
    const worker = new Worker(
      `(async () => {
        (await import(${JSON.stringify(tsx)})).register();
        const { HostDevice } = await import(${JSON.stringify(module)});
        const device = HostDevice.open(${JSON.stringify(fifo)});
        for (let count = 0; count < 200; count++) device.transfer(0, new Uint8Array(4), new Uint8Array(4));
        require('node:worker_threads').parentPort.postMessage('going');
      })()`,
      { eval: true },
    );
    await new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
    expect(await worker.terminate()).toBe(1);
  }, 20_000);
});

describe('opening a device', () => {
  const failure = (path: string) => {
    try {
      HostDevice.open(path);
    } catch (error) {
      return error as GpuvmError;
    }
    throw new Error(`${path} was opened`);
  };

  it('says in one line why it cannot be', () => {
    const missing = failure(at('bpmp-host'));
    expect(GpuvmError.is(missing, 'GPUVM_HOST_DEVICE')).toBe(true);
    expect(missing.message).toBe(
      `no ${at('bpmp-host')}: the host kernel lacks the BPMP host proxy, or its module is not loaded`,
    );
    expect(failure(at('directory')).message).toContain('it is a directory, not a device');
    expect(failure(at('file/below')).message).toBe(`cannot open ${at('file/below')}: ENOTDIR`);
  });

  it('is a backend by configuration', async () => {
    const backend = createBackend({ kind: 'host-device', path: '/dev/null', blocking: true });
    expect(backend.name).toBe('/dev/null');
    expect(backend.transfer(0, words(1), new Uint8Array(4))).toEqual({ ret: 0, rxSize: 4 });
    await backend.close();
    expect(createBackend({ kind: 'simulated' }).name).toBe('simulated');
  });
});
