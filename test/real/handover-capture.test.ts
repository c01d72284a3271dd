import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { wrapCommand } from '../../src/bpmp/bridge/interposed/index.js';
import { olderName, readCapture } from '../../src/bpmp/capture/index.js';
import { addon } from '../../src/native/index.js';
import { closeKeepers, Keeper, mortal } from './handover/keeper.js';
import { hasProgram } from './programs.js';

const folder = mkdtempSync(join(tmpdir(), 'gpuvm-handover-capture-'));
afterAll(() => rmSync(folder, { recursive: true }));

const DEVICE = '/dev/bpmp-host';
const KILLS = Number(process.env.GPUVM_TEST_KILLS ?? 15);
const policy = {
  file: 'test.yaml',
  text: 'version: 1\nlimit: none\nclocks: {GPUSYS: use, GPC0CLK: tune}\npowerDomains: {GPU: use}\ni2c: {5: [0x3c]}\n',
};

const guests: ChildProcess[] = [];
afterEach(() => {
  delete process.env.GPUVM_TEST_CAPTURE;
  for (const guest of guests.splice(0)) guest.kill('SIGKILL');
  closeKeepers();
});

/** A guest that asks without a pause; each of its supervisors writes down what it asked. */
async function begin(vm: string) {
  const capture = join(folder, `${vm}.pcapng`);
  process.env.GPUVM_TEST_CAPTURE = capture;
  const stopFile = join(folder, `${vm}.stop`);
  const keeper = new Keeper({
    vm,
    policy,
    backend: { kind: 'simulated' },
    bridge: { kind: 'interposed', devicePath: DEVICE },
  });
  const [ours, theirs] = addon().socketPair();
  const started = keeper.start(ours);
  const guest = ['--import', 'tsx', resolve(import.meta.dirname, 'handover/guest.ts'), DEVICE, stopFile];
  const wrapped = wrapCommand(process.execPath, guest, { socketFd: 3 });
  const child = spawn(...mortal(wrapped.file, wrapped.args), {
    stdio: ['ignore', 'pipe', 'inherit', theirs],
  });
  guests.push(child);
  closeSync(theirs);
  const printed = text(child.stdout as NonNullable<typeof child.stdout>);
  await started;
  closeSync(ours);
  await expect
    .poll(() => keeper.names.some((name) => name.startsWith('memory.')), { timeout: 20_000 })
    .toBe(true);
  return {
    keeper,
    capture,
    async stop() {
      writeFileSync(stopFile, '');
      await printed;
    },
  };
}

/** The sequences in all files of a capture, the oldest first, and how many the files say are missing. */
async function sequencesIn(capture: string) {
  const files = [capture];
  for (let number = 1; existsSync(olderName(capture, number)); number++)
    files.unshift(olderName(capture, number));
  const sequences: number[] = [];
  const threads = new Set<number | undefined>();
  let lost = 0;
  for (const file of files) {
    const onNotice = (notice: { kind: string; lost?: number }) => {
      lost += notice.kind === 'lost' ? (notice.lost ?? 0) : 0;
    };
    for await (const records of readCapture(file, { onNotice })) {
      for (const { sequence, thread } of records) {
        sequences.push(sequence);
        threads.add(thread);
      }
    }
  }
  return { files, sequences, lost, threads };
}

describe('the capture of a guest that is handed from process to process', () => {
  it.each([
    ['planned', 0],
    ['killed', KILLS],
  ])('has each transfer once and in order, its supervisors %s', { timeout: 300_000 }, async (how, kills) => {
    const { keeper, capture, stop } = await begin(how);
    if (kills > 0) await keeper.torment(kills);
    for (let i = 0; kills === 0 && i < 4; i++) {
      await wait(150);
      await keeper.handOver();
      await keeper.start();
    }
    await stop();
    const { snapshot } = await keeper.ended();
    keeper.close();
    const { files, sequences, lost, threads } = await sequencesIn(capture);
    expect(files.length).toBeGreaterThan(4);
    expect(sequences.length).toBeGreaterThan(1000);
    const sorted = sequences.every((sequence, index) => index === 0 || sequence > sequences[index - 1]!);
    expect(sorted, 'each once, in order').toBe(true);
    expect(sequences.length + lost, 'nothing is missing that no file tells of').toBe(sequences.at(-1)! + 1);
    expect([...threads].every((thread) => thread !== undefined && thread > 1)).toBe(true);
    if (kills === 0) {
      const { allow, deny } = snapshot.totals;
      expect(sequences.at(-1)! + 1).toBe(allow + deny);
      expect(lost).toBe(0);
    }
    if (!hasProgram('tshark')) return;
    for (const file of files)
      expect(spawnSync('tshark', ['-r', file, '-q'], { encoding: 'utf8' }).stderr).not.toMatch(
        /error|damaged/i,
      );
  });
});
