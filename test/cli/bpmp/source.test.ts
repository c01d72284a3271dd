import { appendFileSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CaptureWriter, type TransferRecord } from '../../../src/bpmp/capture/index.js';
import { openTransfers, type SourceOptions } from '../../../src/cli/bpmp/source.js';
import { world } from '../world.js';

const PING = 0;

function transfer(sequence: number): TransferRecord {
  return {
    sequence,
    vm: 'orin',
    timeNs: 1_700_000_000_000_000_000n + BigInt(sequence),
    mrq: PING,
    tx: Uint8Array.of(1, 2, 3, 4),
    verdict: 'allow',
    rule: 'built-in: ping',
    ret: 0,
    rx: new Uint8Array(4),
    latencyNs: 1000,
  };
}

function capture(...sequences: number[]): Uint8Array {
  const writer = new CaptureWriter({ vms: [{ name: 'orin' }] });
  return Buffer.concat([writer.header(), ...sequences.map((sequence) => writer.add(transfer(sequence)))]);
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gpuvm-source-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function options(more: Partial<SourceOptions> = {}) {
  const outside = world();
  const { stderr } = outside.context;
  return { outside, options: { stdin: Readable.from([]), stderr, env: {}, ...more } };
}

async function sequencesOf(words: string[], more: SourceOptions): Promise<number[]> {
  const found: number[] = [];
  for await (const batch of openTransfers(words, more)) found.push(...batch.map(({ sequence }) => sequence));
  return found;
}

/** Reads on until so many transfers are there, and does something at each count that is named. */
async function follow(word: string, steps: Readonly<Record<number, () => void>>, count: number, more = {}) {
  const end = new AbortController();
  const { options: all, outside } = options({ follow: true, signal: end.signal, ...more });
  const found: number[] = [];
  for await (const batch of openTransfers([word], all)) {
    for (const { sequence } of batch) {
      found.push(sequence);
      steps[found.length]?.();
    }
    if (found.length >= count) end.abort();
  }
  return { found, stderr: outside.stderr };
}

describe('the source of transfers that a command line names', () => {
  it('is a file by its ending or its slash, and several are read one after the other', async () => {
    const [one, two] = [join(folder, 'one.pcapng'), join(folder, 'two')];
    writeFileSync(one, capture(0, 1));
    writeFileSync(two, capture(2));
    expect(await sequencesOf([one, two], options().options)).toEqual([0, 1, 2]);
  });

  it('is standard input, as its bytes come', async () => {
    const stdin = new PassThrough();
    const bytes = capture(7);
    const reading = openTransfers(['-'], options({ stdin }).options);
    stdin.write(bytes);
    expect((await reading.next()).value).toMatchObject([{ sequence: 7 }]);
    stdin.end(capture(8));
    expect((await reading.next()).value).toMatchObject([{ sequence: 8 }]);
    expect((await reading.next()).done).toBe(true);
  });

  it('lets go of a standard input that says nothing, at the signal', async () => {
    const end = new AbortController();
    const reading = sequencesOf(['-'], options({ stdin: new PassThrough(), signal: end.signal }).options);
    end.abort();
    expect(await reading).toEqual([]);
  });

  it('tells in one line each what is wrong with a capture, and shows no escape sequence of its name', async () => {
    const file = join(folder, 'cut\u001b[31m.pcapng');
    writeFileSync(file, capture(0, 1).subarray(0, -5));
    const { options: all, outside } = options();
    expect(await sequencesOf([file], all)).toEqual([0]);
    expect(outside.stderr).toHaveLength(1);
    expect(outside.stderr[0]).toMatch(/^gpuvm: .*cut\\x1b\[31m\.pcapng: /);
  });

  it('tells what no capture is by its name', async () => {
    const reading = sequencesOf(['-'], options({ stdin: Readable.from([Buffer.alloc(64, 'x')]) }).options);
    await expect(reading).rejects.toMatchObject({
      code: 'GPUVM_INPUT',
      message: expect.stringMatching(/^standard input is no capture/),
    });
    await expect(sequencesOf([join(folder, 'none.pcapng')], options().options)).rejects.toMatchObject({
      code: 'GPUVM_FILE',
    });
  });

  it('grows while it is followed', async () => {
    const file = join(folder, 'growing.pcapng');
    const whole = capture(0, 1, 2);
    const cut = whole.length - 30;
    writeFileSync(file, whole.subarray(0, cut));
    const { found, stderr } = await follow(file, { 2: () => appendFileSync(file, whole.subarray(cut)) }, 3);
    expect(found).toEqual([0, 1, 2]);
    expect(stderr).toEqual([]);
  });

  it('is read to its end and then followed to its successor when it is rotated', async () => {
    const file = join(folder, 'rotated.pcapng');
    const old = capture(0, 1);
    const cut = old.length - 20;
    writeFileSync(file, old.subarray(0, cut));
    const rotate = () => {
      appendFileSync(file, old.subarray(cut));
      renameSync(file, join(folder, 'rotated.1.pcapng'));
      writeFileSync(file, capture(2, 3));
    };
    const { found, stderr } = await follow(file, { 1: rotate }, 4);
    expect(found).toEqual([0, 1, 2, 3]);
    expect(stderr).toEqual([]);
  });

  it('is found again when it was rotated several times at once, and nothing between is passed over', async () => {
    const file = join(folder, 'fast.pcapng');
    const older = (number: number) => join(folder, `fast.${number}.pcapng`);
    writeFileSync(file, capture(0));
    const rotate = () => {
      renameSync(file, older(3));
      writeFileSync(older(2), capture(1, 2));
      writeFileSync(older(1), capture(3));
      writeFileSync(file, capture(4));
    };
    const { found, stderr } = await follow(file, { 1: rotate }, 5);
    expect(found).toEqual([0, 1, 2, 3, 4]);
    expect(stderr).toEqual([]);
  });

  it('is another one where it was removed and made anew beside older ones', async () => {
    const file = join(folder, 'other.pcapng');
    writeFileSync(file, capture(0));
    writeFileSync(join(folder, 'other.1.pcapng'), capture(7));
    const anew = () => {
      rmSync(file);
      writeFileSync(file, capture(4));
    };
    expect((await follow(file, { 1: anew }, 2)).found).toEqual([0, 4]);
  });

  it('begins anew where it became shorter', async () => {
    const file = join(folder, 'anew.pcapng');
    writeFileSync(file, capture(0, 1));
    const anew = () => {
      truncateSync(file);
      appendFileSync(file, capture(9));
    };
    expect((await follow(file, { 2: anew }, 3)).found).toEqual([0, 1, 9]);
  });

  it('cannot be several that are followed', async () => {
    const reading = sequencesOf(['a.pcapng', 'b.pcapng'], options({ follow: true }).options);
    await expect(reading).rejects.toMatchObject({ code: 'GPUVM_USAGE' });
  });
});

describe('a running VM as the source', () => {
  let server: Server;
  let asked: string[];
  beforeEach(async () => {
    asked = [];
    server = createServer((request, response) => {
      asked.push(request.url!);
      if (request.url === '/v1/status') {
        response.end(JSON.stringify({ name: 'orin', state: 'running' }));
        return;
      }
      response.writeHead(200, { 'content-type': 'application/x-pcapng' });
      response.write(capture(0, 1));
      if (!request.url!.includes('follow=true')) response.end();
    });
    await new Promise<void>((resolve) => server.listen(join(folder, 'orin.sock'), resolve));
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  const env = () => ({ GPUVM_RUNTIME_DIR: folder });

  it('is found by its name, and by nothing at all where it is the only one', async () => {
    expect(await sequencesOf(['orin'], options({ env: env() }).options)).toEqual([0, 1]);
    expect(await sequencesOf([], options({ env: env(), recent: 5 }).options)).toEqual([0, 1]);
    expect(asked.filter((path) => path.startsWith('/v1/capture'))).toEqual([
      '/v1/capture?follow=false',
      '/v1/capture?follow=false&recent=5',
    ]);
  });

  it('is followed until the signal', async () => {
    const { found } = await follow('orin', {}, 2, { env: env() });
    expect(found).toEqual([0, 1]);
  });

  it('ends where its supervisor dies', async () => {
    const { found, stderr } = await follow('orin', { 2: () => server.closeAllConnections() }, 3, {
      env: env(),
    });
    expect(found).toEqual([0, 1]);
    expect(stderr).toEqual([]);
  });

  it('that does not run is told with the nearest that does', async () => {
    await expect(sequencesOf(['orim'], options({ env: env() }).options)).rejects.toMatchObject({
      code: 'GPUVM_VM_ABSENT',
      message: expect.stringContaining('did you mean orin?'),
    });
  });
});
