import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CaptureFile, CaptureWriter, type TransferRecord } from '../../src/bpmp/capture/index.js';
import { anyTransfer } from '../bpmp/capture/arbitrary.js';
import { bigEndian } from '../bpmp/capture/blocks.js';
import { captureOf, readAll, transfer } from '../bpmp/capture/read-all.js';
import { hasProgram } from './programs.js';

/** Wireshark's own programs say that these are captures, and what they write of them is read again. */
const hasWireshark = ['capinfos', 'editcap', 'mergecap', 'tshark'].every(hasProgram);

const root = resolve(import.meta.dirname, '../..');
let folder: string;
let whole: string;
const at = (name: string) => join(folder, name);
const run = (program: string, ...words: readonly string[]) =>
  execFileSync(program, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

/** Any transfers, a ns to a s apart, of three VMs; the names may be any, but not a text in capinfos' table. */
const records: TransferRecord[] = fc
  .sample(fc.tuple(anyTransfer, fc.nat(1_000_000_000), fc.constantFrom('orin', 'left', 'rechts – ö')), {
    numRuns: 1000,
    seed: 7,
  })
  .map(([record, apart, vm], index) => ({
    ...record,
    vm,
    sequence: index,
    timeNs: 1_795_000_000_000_000_000n + BigInt(index) * 1_000_000_000n + BigInt(apart),
  }));

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gpuvm-capture-'));
  whole = at('whole.pcapng');
  const options = {
    program: 'gpuvm 1.2.3',
    hardware: 'a board',
    os: 'Linux 6.8',
    vms: [{ name: 'orin', description: 'the first' }],
  };
  writeFileSync(whole, captureOf(records, options));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe.skipIf(!hasWireshark)("Wireshark's programs", () => {
  it('capinfos finds all that a capture says of itself', () => {
    const text = run('capinfos', '-M', whole);
    const seen = Object.fromEntries(text.split('\n').map((line) => line.split(/: +/, 2)));
    expect(seen).toMatchObject({
      'File type': 'pcapng',
      'File encapsulation': 'user0',
      'File timestamp precision': 'nanoseconds (9)',
      'Number of packets': '1000',
      'Strict time order': 'True',
      'Capture application': 'gpuvm 1.2.3',
      'Capture hardware': 'a board',
      'Capture oper-sys': 'Linux 6.8',
      'Number of interfaces in file': '3',
    });
    for (const name of ['orin', 'left', 'rechts – ö']) expect(text).toContain(`Name = ${name}`);
    expect(text).toContain('Description = the first');
    expect(text.match(/Number of stat entries = 1/g)).toHaveLength(3);
  });

  it('tshark shows what is said beside a packet', () => {
    const writer = new CaptureWriter({ vms: [{ name: 'orin' }] });
    const parts = [
      writer.header(),
      writer.add(transfer(41)),
      writer.add(transfer(45), { dropped: 3, comment: 'three lost' }),
    ];
    writeFileSync(at('options.pcapng'), Buffer.concat([...parts, writer.end()]));
    const fields = [
      'frame.time_epoch',
      'frame.packet_id',
      'frame.drop_count',
      'frame.interface_name',
      'frame.comment',
      'frame.packet_flags_direction',
    ];
    const text = run(
      'tshark',
      '-r',
      at('options.pcapng'),
      '-T',
      'fields',
      ...fields.flatMap((field) => ['-e', field]),
    );
    expect(
      text
        .trimEnd()
        .split('\n')
        .map((line) => line.split('\t')),
    ).toEqual([
      ['1795000000.041000123', '41', '', 'orin', '', '0x00000001'],
      ['1795000000.045000135', '45', '3', 'orin', 'three lost', '0x00000001'],
    ]);
  });

  it.each<[string, readonly string[], (record: TransferRecord) => TransferRecord]>([
    ['pcapng', [], (record) => record],
    ['pcap with ns', ['-F', 'nsecpcap'], (record) => record],
    ['pcap with µs', ['-F', 'pcap'], (record) => ({ ...record, timeNs: (record.timeNs / 1000n) * 1000n })],
    [
      'pcapng an hour later',
      ['-t', '3600'],
      (record) => ({ ...record, timeNs: record.timeNs + 3_600_000_000_000n }),
    ],
  ])('editcap makes %s of it, which is read', async (_, words, changed) => {
    run('editcap', ...words, whole, at('edited'));
    expect(await readAll(at('edited'))).toEqual({ records: records.map(changed), notices: [] });
  });

  it('editcap takes a part of it', async () => {
    run('editcap', '-r', whole, at('part.pcapng'), '100-199');
    expect((await readAll(at('part.pcapng'))).records).toEqual(records.slice(99, 199));
  });

  it.each([[[]], [['-F', 'pcap']]])('editcap -s %j cuts its packets, which is told of', async (words) => {
    run('editcap', '-s', '60', ...words, whole, at('short'));
    const { records: read, notices } = await readAll(at('short'));
    expect(read.every(({ tx, rx }) => tx.length + rx.length <= 12)).toBe(true);
    expect(read.length).toBeLessThan(100);
    expect(notices[0]).toMatchObject({
      kind: 'foreign',
      message: expect.stringContaining('was cut to 60 of'),
    });
    expect(notices.length).toBeLessThan(25);
  });

  it('mergecap puts several together, by their times or one behind the other', async () => {
    const [even, odd] = [0, 1].map((rest) => records.filter(({ sequence }) => sequence % 2 === rest));
    writeFileSync(at('even.pcapng'), captureOf(even));
    writeFileSync(at('odd.pcapng'), bigEndian(captureOf(odd)));
    run('mergecap', '-w', at('merged'), at('even.pcapng'), at('odd.pcapng'));
    expect(await readAll(at('merged'))).toEqual({ records, notices: [] });
    run('mergecap', '-a', '-F', 'nsecpcap', '-w', at('behind'), at('even.pcapng'), at('odd.pcapng'));
    expect(await readAll(at('behind'))).toEqual({ records: [...even, ...odd], notices: [] });
  });

  it('agree that the byte order of another machine is one', () => {
    writeFileSync(at('big.pcapng'), bigEndian(readFileSync(whole)));
    const table = (path: string) =>
      run('capinfos', '-M', path)
        .split('\n')
        .filter((line) => !/File name|SHA|RIPEMD/.test(line));
    expect(table(at('big.pcapng'))).toEqual(table(whole));
  });

  it('open each of a rotated capture, and one that was cut', async () => {
    const file = await CaptureFile.open(at('rotated.pcapng'), {
      limitBytes: 15_000,
      keep: 100,
      program: 'gpuvm 1.2.3',
    });
    for (const record of records) file.add(record);
    await file.close();
    const names = readdirSync(folder).filter((name) => name.startsWith('rotated'));
    expect(names).toHaveLength(file.counts.files);
    expect(names.length).toBeGreaterThan(5);
    const counts = names.map((name) =>
      Number(/Number of packets: +(\d+)/.exec(run('capinfos', '-M', at(name)))?.[1]),
    );
    expect(counts.reduce((sum, count) => sum + count)).toBe(1000);
    run('mergecap', '-w', at('together'), ...names.map(at));
    expect((await readAll(at('together'))).records).toEqual(records);
    truncateSync(whole, statSync(whole).size - 300);
    const { records: read, notices } = await readAll(whole);
    expect(notices).toMatchObject([{ kind: 'cut' }]);
    // It ends with status 2 for the file's sake, and shows what there is.
    const shown = spawnSync('tshark', ['-r', whole, '-T', 'fields', '-e', 'frame.number'], {
      encoding: 'utf8',
    });
    expect(shown.stdout.trim().split('\n')).toHaveLength(read.length);
    expect(shown.stderr).toContain('cut short in the middle of a packet');
  });

  it('open what a killed process leaves, and the next run begins a file of its own', async () => {
    const script = `
      import { CaptureFile } from ${JSON.stringify(join(root, 'src/bpmp/capture/index.ts'))};
      import { transfer } from ${JSON.stringify(join(root, 'test/bpmp/capture/read-all.ts'))};
      const file = await CaptureFile.open(process.argv[2], { limitBytes: 1 << 20 });
      for (let sequence = 0; ; ) {
        for (let count = 0; count < 500; count++) file.add(transfer(sequence++));
        await file.flush();
        console.log(sequence);
      }`;
    writeFileSync(at('write.mts'), script);
    const path = at('killed.pcapng');
    for (const run of [1, 2]) {
      const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), at('write.mts'), path], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let said = '';
      for await (const text of child.stdout) {
        said += text;
        if (said.split('\n').length > 10) child.kill('SIGKILL');
      }
      const flushed = Number(said.trim().split('\n').at(-1));
      const { records: read, notices } = await readAll(path);
      expect(notices.every(({ kind }) => kind === 'cut')).toBe(true);
      expect(read.length).toBeGreaterThanOrEqual(flushed);
      expect(read).toEqual(read.map((_, sequence) => transfer(sequence)));
      if (run === 2) expect((await readAll(at('killed.1.pcapng'))).records.length).toBeGreaterThan(5000 - 1);
    }
  });
});
