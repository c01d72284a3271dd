import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { readCapture, type TransferRecord } from '../../src/bpmp/capture/index.js';
import { GpuvmProcess } from './gpuvm-process.js';
import { hasProgram } from './programs.js';

const qemu = 'qemu-system-x86_64';
const preload = fileURLToPath(new URL('../../build/Release/gpuvm-standin-preload.so', import.meta.url));
const isPossible = hasProgram(qemu) && existsSync(preload);
if (!isPossible) console.warn(`SKIPPED: needs ${qemu} and ${preload}`);
const hasTools = hasProgram('tshark') && hasProgram('curl');
if (!hasTools) console.warn('SKIPPED: needs tshark and curl');

const COUNT = 300;

async function recordsOf(source: string): Promise<TransferRecord[]> {
  const records: TransferRecord[] = [];
  for await (const batch of readCapture(source)) records.push(...batch);
  return records;
}

/** A patched QEMU's requests, which a stand-in in it makes. */
describe.skipIf(!isPossible)('gpuvm run with a capture', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gpuvm-run-capture-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  function vmFile(name: string, more = '', count = COUNT): { file: string; tally: string; socket: string } {
    const tally = join(folder, `${name}.tally`);
    const socket = join(folder, `${name}.sock`);
    writeFileSync(
      join(folder, `${name}-qemu`),
      `#!/bin/sh
GPUVM_STANDIN_REPORT='${tally}' GPUVM_STANDIN_COUNT=${count} LD_PRELOAD='${preload}' exec ${qemu} "$@"
`,
      { mode: 0o755 },
    );
    writeFileSync(join(folder, 'policy.yaml'), 'version: 1\nchip: tegra234\nlimit: none\n');
    const file = join(folder, `${name}.yaml`);
    writeFileSync(
      file,
      `name: ${name}
qemu: { binary: ./${name}-qemu }
machine: none
bridge: { kind: interposed }
policy: policy.yaml
stop: { powerdown: 0s }
control: { socket: ${socket} }
${more}`,
    );
    return { file, tally, socket };
  }

  const asked = (tally: string) =>
    expect.poll(() => existsSync(tally) && readFileSync(tally, 'utf8'), { timeout: 20_000 }).toContain('}');

  async function end(vm: GpuvmProcess): Promise<void> {
    await vm.waitFor('stderr', 'state: running');
    vm.child.kill('SIGINT');
    expect(await vm.ended).toBe(5);
  }

  it('writes each transfer to the file of --capture, with who asked it', async () => {
    const { file, tally } = vmFile('option');
    const capture = join(folder, 'option.pcapng');
    const before = BigInt(Date.now()) * 1_000_000n;
    const vm = new GpuvmProcess('run', file, '--capture', capture, '--verbose');
    try {
      await asked(tally);
      await end(vm);
    } finally {
      vm.child.kill('SIGKILL');
    }
    const records = await recordsOf(capture);
    expect(records.map(({ sequence }) => sequence)).toEqual(Array.from({ length: COUNT }, (_, i) => i));
    expect(new Set(records.map(({ thread }) => thread)).size).toBe(1);
    expect(records[0]).toMatchObject({ vm: 'option', mrq: 22, verdict: 'deny', ret: -1 });
    expect(records[0]!.thread).toBeGreaterThan(1);
    expect(records[0]!.timeNs).toBeGreaterThan(before);
    expect(statSync(capture).mode & 0o777).toBe(0o600);
  });

  it("begins another file when one is full, and keeps so many, as the VM file's capture says", async () => {
    const { file, tally } = vmFile('rotating', 'capture: { file: captures.pcapng, maxSize: 8K, files: 3 }\n');
    const vm = new GpuvmProcess('run', file, '--verbose');
    try {
      await asked(tally);
      await end(vm);
    } finally {
      vm.child.kill('SIGKILL');
    }
    const names = readdirSync(folder).filter((name) => name.startsWith('captures.'));
    expect(names.sort()).toEqual(['captures.1.pcapng', 'captures.2.pcapng', 'captures.pcapng']);
    for (const name of names) expect(statSync(join(folder, name)).size).toBeLessThanOrEqual(8192);
    const records = (
      await Promise.all(['.2', '.1', ''].map((n) => recordsOf(join(folder, `captures${n}.pcapng`))))
    ).flat();
    expect(records.at(-1)!.sequence).toBe(COUNT - 1);
    expect(records.map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: records.length }, (_, i) => COUNT - records.length + i),
    );
  });

  it('leaves a file that opens where its supervisor is killed', async () => {
    const { file, tally } = vmFile('killed', 'capture: { file: killed.pcapng }\n');
    const capture = join(folder, 'killed.pcapng');
    const vm = new GpuvmProcess('run', file, '--verbose');
    try {
      await asked(tally);
      await expect.poll(async () => (await recordsOf(capture)).length, { timeout: 10_000 }).toBe(COUNT);
    } finally {
      vm.child.kill('SIGKILL');
    }
    await vm.ended;
    expect(await recordsOf(capture)).toHaveLength(COUNT);
  });

  it('refuses before anything starts where the file cannot be made', async () => {
    const { file, tally } = vmFile('nowhere');
    const vm = new GpuvmProcess('run', file, '--capture', join(folder, 'absent', 'x.pcapng'));
    expect(await vm.ended).not.toBe(0);
    expect(vm.stderr).toMatch(/absent\/x\.pcapng cannot be written: its folder is not there/);
    expect(existsSync(tally)).toBe(false);
  });

  const small = join(folder, 'small');
  mkdirSync(small);
  const hasDisk = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'gpuvm-test', small]).status === 0;
  if (!hasDisk) console.warn('SKIPPED: may mount no small disk');
  else afterAll(() => spawnSync('umount', ['--lazy', small]));

  it.skipIf(!hasDisk)(
    'goes on with its guest where the disk is full, and says what the file lacks',
    async () => {
      const { file, tally } = vmFile('full', '', 2000);
      const capture = join(small, 'full.pcapng');
      const vm = new GpuvmProcess('run', file, '--capture', capture, '--verbose');
      try {
        await asked(tally);
        await vm.waitFor('stderr', 'the disk is full');
        await end(vm);
      } finally {
        vm.child.kill('SIGKILL');
      }
      expect(JSON.parse(readFileSync(tally, 'utf8'))).toMatchObject({ transfers: 2000 });
      expect(vm.stderr).toMatch(/\d+ transfers are missing from the capture/);
      const records = await recordsOf(capture);
      expect(records.length).toBeGreaterThan(100);
      expect(records.length).toBeLessThan(2000);
    },
  );

  it.skipIf(!hasTools)(
    'is read live by curl and tshark, and by one who reads nothing for a while',
    async () => {
      const { file, tally, socket } = vmFile('live', '', 200_000);
      const vm = new GpuvmProcess('run', file, '--verbose');
      try {
        await vm.waitFor('stderr', 'state: running');
        const url = 'http://vm/v1/capture?follow';
        const follow = ['--silent', '--no-buffer', '--unix-socket', socket, url];
        // Stopped amid the stream, for as long as the ring takes to be written over several times.
        const slow = spawn('curl', follow, { stdio: ['ignore', 'pipe', 'inherit'] });
        const slowFile = join(folder, 'slow.pcapng');
        slow.stdout.pause();
        const live = spawn('sh', [
          '-c',
          `curl ${follow.map((w) => `'${w}'`).join(' ')} | tshark -r - -T fields -e frame.number -e frame.time_epoch -e frame.len`,
        ]);
        const shown = text(live.stdout);
        live.stderr.resume();
        await asked(tally);
        const recent = spawnSync('curl', [
          '--silent',
          '--unix-socket',
          socket,
          'http://vm/v1/capture?recent=7',
        ]);
        writeFileSync(join(folder, 'recent.pcapng'), recent.stdout);
        expect((await recordsOf(join(folder, 'recent.pcapng'))).map(({ sequence }) => sequence)).toEqual(
          Array.from({ length: 7 }, (_, i) => 199_993 + i),
        );
        const chunks: Buffer[] = [];
        slow.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
        slow.stdout.resume();
        await end(vm);
        const lines = (await shown).trim().split('\n');
        expect(lines.length).toBeGreaterThan(5000);
        await expect.poll(() => slow.exitCode, { timeout: 10_000 }).not.toBe(null);
        writeFileSync(slowFile, Buffer.concat(chunks));
        const records: TransferRecord[] = [];
        let lost = 0;
        const onNotice = (notice: { kind: string; lost?: number }) => {
          lost += notice.kind === 'lost' ? (notice.lost ?? 0) : 0;
        };
        for await (const batch of readCapture(slowFile, { onNotice })) records.push(...batch);
        expect(lost).toBeGreaterThan(0);
        expect(records.length + lost).toBe(200_000 - records[0]!.sequence);
        expect(records.at(-1)!.sequence).toBe(199_999);
      } finally {
        vm.child.kill('SIGKILL');
      }
      expect(vm.stderr).not.toContain('MaxListeners');
    },
    60_000,
  );
});
