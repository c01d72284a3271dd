import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CaptureDisk, realDisk } from '../../../src/bpmp/capture/file/disk.js';
import { CaptureFile, olderName, transferBlock } from '../../../src/bpmp/capture/index.js';
import { readAll, transfer } from './read-all.js';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gpuvm-capture-'));
  path = join(folder, 'orin.pcapng');
});
afterEach(() => rmSync(folder, { recursive: true }));

const transfers = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => transfer(from + index));

/** A disk whose writes can be made to fail, or to be cut short. */
function failingDisk() {
  const state = { room: Number.POSITIVE_INFINITY, code: 'ENOSPC', calls: 0 };
  const disk: CaptureDisk = {
    ...realDisk,
    async create(at, mode) {
      const file = await realDisk.create(at, mode);
      return {
        ...file,
        async write(bytes, position) {
          state.calls++;
          if (state.room === 0) throw Object.assign(new Error(state.code), { code: state.code });
          const fitting = Math.min(state.room, bytes.length);
          state.room -= fitting;
          return file.write(bytes.subarray(0, fitting), position);
        },
      };
    },
  };
  return { state, disk };
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

describe('a capture file', () => {
  it('holds what was put into it, readable by nobody else', async () => {
    const file = await CaptureFile.open(path);
    const records = transfers(5000);
    for (const record of records) expect(file.add(record)).toBe(true);
    await file.close();
    expect(await readAll(path)).toEqual({ records, notices: [] });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(file.counts).toEqual({ records: 5000, lost: 0, bytes: statSync(path).size, files: 1 });
  });

  it('takes ready blocks', async () => {
    const file = await CaptureFile.open(path, { vms: [{ name: 'orin' }] });
    const records = transfers(300);
    await file.appendBlocks(Buffer.concat(records.map((record) => transferBlock(record))), 300);
    expect((await readAll(path)).records).toEqual(records);
    await file.close();
    expect(await readAll(path)).toEqual({ records, notices: [] });
    expect(file.counts.records).toBe(300);
  });

  it('is there for a reader before it is closed', async () => {
    const file = await CaptureFile.open(path);
    file.add(transfer(0));
    await file.flush();
    expect(await readAll(path)).toEqual({ records: [transfer(0)], notices: [] });
    await file.close();
  });

  it.each(['one by one', 'as blocks'])('is rotated within its limit, %s', async (way) => {
    const limitBytes = 4000;
    const file = await CaptureFile.open(path, { limitBytes, keep: 3, vms: [{ name: 'orin' }] });
    const records = transfers(200);
    if (way === 'one by one') for (const record of records) file.add(record);
    else await file.appendBlocks(Buffer.concat(records.map((record) => transferBlock(record))), 200);
    await file.close();
    expect(readdirSync(folder).sort()).toEqual([
      'orin.1.pcapng',
      'orin.2.pcapng',
      'orin.3.pcapng',
      'orin.pcapng',
    ]);
    const kept = [];
    for (const at of [3, 2, 1].map((number) => olderName(path, number)).concat(path)) {
      const { records, notices } = await readAll(at);
      expect(notices).toEqual([]);
      expect(statSync(at).size).toBeLessThanOrEqual(limitBytes);
      kept.push(...records);
    }
    expect(kept).toEqual(records.slice(-kept.length));
    expect(kept.length).toBeGreaterThan(50);
    expect(file.counts.records).toBe(200);
    expect(file.counts.files).toBeGreaterThan(4);
  });

  it('takes a transfer larger than its limit, in a file alone', async () => {
    const file = await CaptureFile.open(path, { limitBytes: 100 });
    const records = [transfer(0), transfer(1)];
    for (const record of records) file.add(record);
    await file.close();
    expect((await readAll(olderName(path, 1))).records).toEqual([transfer(0)]);
    expect((await readAll(path)).records).toEqual([transfer(1)]);
  });

  it('leaves the file of a run before, and describes all VMs in each', async () => {
    for (const run of [0, 1, 2]) {
      const file = await CaptureFile.open(path, { keep: 2 });
      for (const vm of ['left', 'right']) file.add(transfer(run, { vm }));
      await file.close();
    }
    expect(readdirSync(folder).sort()).toEqual(['orin.1.pcapng', 'orin.2.pcapng', 'orin.pcapng']);
    expect((await readAll(olderName(path, 2))).records.map(({ sequence }) => sequence)).toEqual([0, 0]);
    expect((await readAll(path)).records.map(({ sequence, vm }) => [sequence, vm])).toEqual([
      [2, 'left'],
      [2, 'right'],
    ]);
  });

  it('is not taken away from another that writes it', async () => {
    const file = await CaptureFile.open(path);
    await expect(CaptureFile.open(path)).rejects.toThrow(
      expect.objectContaining({
        code: 'GPUVM_LOCKED',
        message: expect.stringContaining('another gpuvm writes'),
      }),
    );
    await file.close();
    await (await CaptureFile.open(path)).close();
  });
});

describe('a capture file that cannot be', () => {
  it.each<[string, () => void, string]>([
    ['a symbolic link', () => symlinkSync('/etc/hostname', path), 'is a symbolic link'],
    ['a link that leads nowhere', () => symlinkSync('/nowhere', path), 'is a symbolic link'],
    ['a folder', () => mkdirSync(path), 'is a folder'],
    ['in a folder that is not there', () => rmSync(folder, { recursive: true }), 'its folder is not there'],
    [
      'behind a folder in the way',
      () => {
        writeFileSync(path, '');
        mkdirSync(olderName(path, 1));
      },
      'a folder is in the way',
    ],
  ])('is told in one line: %s', async (_, prepare, reason) => {
    prepare();
    const error = await CaptureFile.open(path, { keep: 1 }).catch((error) => error);
    mkdirSync(folder, { recursive: true });
    expect(error).toMatchObject({ code: 'GPUVM_FILE', message: expect.stringContaining(reason) });
    expect(error.message).not.toContain('\n');
    expect(error.message).toContain(path);
  });
});

describe('a disk that refuses', () => {
  it.each(['ENOSPC', 'EIO'])('%s is said once, and nothing is lost when it takes again', async (code) => {
    const { state, disk } = failingDisk();
    const said: string[] = [];
    const file = await CaptureFile.open(path, { disk, retryMs: 1, onProblem: (line) => said.push(line) });
    const records = transfers(100);
    for (const record of records.slice(0, 50)) file.add(record);
    await file.flush();
    state.code = code;
    // In the middle of a block.
    state.room = 1001;
    for (const record of records.slice(50)) file.add(record);
    const { calls } = state;
    await until(() => state.calls > calls + 5);
    expect(said).toHaveLength(1);
    expect(file.isFailing).toBe(true);
    const cut = await readAll(path);
    expect(cut.notices.map(({ kind }) => kind)).toEqual(['cut']);
    expect(cut.records).toEqual(records.slice(0, cut.records.length));
    state.room = Number.POSITIVE_INFINITY;
    await until(() => !file.isFailing);
    await file.close();
    expect(await readAll(path)).toEqual({ records, notices: [] });
    expect(said).toHaveLength(2);
    expect(said[1]).toContain('is written again');
    expect(file.counts.lost).toBe(0);
  });

  it('fills no memory: what has no room is counted, in the file too', async () => {
    const { state, disk } = failingDisk();
    const file = await CaptureFile.open(path, { disk, retryMs: 1, mostWaitingBytes: 10_000 });
    state.room = 0;
    const taken = transfers(1000).filter((record) => file.add(record));
    expect(taken.length).toBeGreaterThan(10);
    expect(taken.length).toBeLessThan(100);
    await until(() => file.isFailing);
    state.room = Number.POSITIVE_INFINITY;
    await file.flush();
    await file.flush();
    file.add(transfer(1000));
    await file.close();
    const { records, notices } = await readAll(path);
    expect(records).toEqual([...taken, transfer(1000)]);
    expect(notices).toMatchObject([
      { kind: 'lost', message: expect.stringContaining(`${1000 - taken.length} `) },
    ]);
    expect(file.counts.lost).toBe(1000 - taken.length);
  });

  it('lets who waits for ready blocks wait, and gives up at the end', async () => {
    const { state, disk } = failingDisk();
    const said: string[] = [];
    const file = await CaptureFile.open(path, {
      disk,
      retryMs: 60_000,
      vms: [{ name: 'orin' }],
      onProblem: (line) => said.push(line),
    });
    state.room = 0;
    let isDone = false;
    const written = file.appendBlocks(transferBlock(transfer(0)), 1).then(() => {
      isDone = true;
    });
    await until(() => file.isFailing);
    expect(isDone).toBe(false);
    await file.close();
    await written;
    expect(file.counts).toMatchObject({ records: 0, lost: 1 });
    expect(said.at(-1)).toContain('is given up; 1 transfers are not in it');
    expect(file.add(transfer(1))).toBe(false);
  });

  it('at a rotation is waited for too', async () => {
    const { state, disk } = failingDisk();
    let isRefused = false;
    const refusing: CaptureDisk = {
      ...disk,
      rename: (from, to) =>
        isRefused
          ? Promise.reject(Object.assign(new Error('EACCES'), { code: 'EACCES' }))
          : realDisk.rename(from, to),
    };
    const file = await CaptureFile.open(path, { disk: refusing, retryMs: 1, limitBytes: 2000 });
    isRefused = true;
    const records = transfers(20);
    for (const record of records) file.add(record);
    await until(() => file.isFailing);
    isRefused = false;
    await until(() => !file.isFailing);
    await file.close();
    const kept = [...(await readAll(olderName(path, 1))).records, ...(await readAll(path)).records];
    expect(kept.slice(-5)).toEqual(records.slice(-5));
    expect(file.counts.lost).toBe(0);
    expect(state.calls).toBeGreaterThan(0);
    expect(existsSync(path)).toBe(true);
  });
});

it('a file of a killed process opens: whatever it is cut at, what was before is read', async () => {
  const file = await CaptureFile.open(path);
  for (const record of transfers(3)) file.add(record);
  await file.close();
  const whole = readFileSync(path);
  for (let size = 0; size < whole.length; size++) {
    writeFileSync(path, whole.subarray(0, size));
    const { records, notices } = await readAll(path);
    expect(records).toEqual(transfers(records.length));
    expect(notices.length).toBeLessThanOrEqual(1);
  }
});
