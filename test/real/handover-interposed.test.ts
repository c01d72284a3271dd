import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { wrapCommand } from '../../src/bpmp/bridge/interposed/index.js';
import { type BridgeConfig, recoverHoldings } from '../../src/bpmp/worker/index.js';
import { addon } from '../../src/native/index.js';
import { closeKeepers, Keeper, mortal } from './handover/keeper.js';

const folder = mkdtempSync(join(tmpdir(), 'gpuvm-handover-'));
afterAll(() => rmSync(folder, { recursive: true }));

const DEVICE = '/dev/bpmp-host';
const policy = {
  file: 'test.yaml',
  text: 'version: 1\nlimit: none\nclocks: {GPUSYS: use, GPC0CLK: tune}\npowerDomains: {GPU: use}\ni2c: {5: [0x3c]}\n',
};
const KILLS = Number(process.env.GPUVM_TEST_KILLS ?? 15);

interface Tally {
  readonly pings: number;
  readonly rates: number;
  readonly i2c: number;
  readonly i2cRefused: number;
  readonly wrong: string[];
  readonly longestMs: number;
}

interface Run {
  readonly keeper: Keeper;
  readonly vm: string;
  /** Ends the guest, and returns what it saw. */
  stop(): Promise<Tally>;
}

let runs = 0;
const guests: ChildProcess[] = [];
afterEach(() => {
  for (const guest of guests.splice(0)) guest.kill('SIGKILL');
  closeKeepers();
});

/** A guest that asks without a pause, and the first supervisor. */
async function begin(overrides: Partial<BridgeConfig> = {}): Promise<Run> {
  const vm = `vm${++runs}`;
  const stopFile = join(folder, `${vm}.stop`);
  const keeper = new Keeper({
    vm,
    policy,
    backend: { kind: 'simulated' },
    bridge: { kind: 'interposed', devicePath: DEVICE },
    ledgerFile: join(folder, vm, 'ledger'),
    ...overrides,
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
    vm,
    async stop() {
      writeFileSync(stopFile, '');
      return JSON.parse(await printed) as Tally;
    },
  };
}

const GIVEN_BACK = [
  { resource: 'clock rate GPC0CLK', from: expect.any(String), to: expect.any(String), result: 'given-back' },
  { resource: 'power domain GPU', from: 'on', to: 'off', result: 'given-back' },
  { resource: 'clock GPUSYS', from: 'on', to: 'off', result: 'given-back' },
];

describe('an interposed guest handed from process to process', () => {
  it('asks on through planned hand-overs, each request executed once', { timeout: 240_000 }, async () => {
    const { keeper, stop } = await begin();
    for (let i = 0; i < 5; i++) {
      await wait(100 + Math.random() * 200);
      await keeper.handOver();
      await keeper.start();
    }
    const tally = await stop();
    const ended = await keeper.ended();
    keeper.close();
    expect(tally).toMatchObject({ wrong: [], i2cRefused: 0 });
    expect(tally.pings).toBeGreaterThan(1000);
    // Every one was executed once, by one of six processes; the statistics have gone along.
    const { requests } = ended.backendState as { requests: Record<string, number> };
    expect(requests).toMatchObject({ 0: tally.pings, 21: tally.i2c });
    expect(ended.snapshot.totals).toEqual({
      allow: tally.pings + tally.rates + tally.i2c + 3,
      deny: 0,
      absorb: 0,
      malformed: 0,
    });
    expect(ended.release).toMatchObject({ givenBack: 3, failed: 0, entries: GIVEN_BACK });
  });

  it(`asks on through ${KILLS} kills, each request answered once`, {
    timeout: 120_000 + KILLS * 10_000,
  }, async () => {
    const { keeper, vm, stop } = await begin();
    await keeper.torment(KILLS);
    const tally = await stop();
    const ended = await keeper.ended();
    keeper.close();
    expect(tally.wrong).toEqual([]);
    expect(tally.pings).toBeGreaterThan(1000);
    const { requests } = ended.backendState as { requests: Record<string, number> };
    // Twice only what may be: at most one request for each kill.
    expect(requests[0] - tally.pings).toBeGreaterThanOrEqual(0);
    expect(requests[0] - tally.pings).toBeLessThanOrEqual(KILLS);
    // What may not be was made once, or its guest was told; whether it was made then, nobody knows.
    expect(requests[21]).toBeLessThanOrEqual(tally.i2c);
    expect(requests[21]).toBeGreaterThanOrEqual(tally.i2c - tally.i2cRefused);
    expect(ended.release).toMatchObject({ givenBack: 3, failed: 0, entries: GIVEN_BACK });
    expect(existsSync(join(folder, vm, 'ledger'))).toBe(false);
  });

  it('gives back what it held when nobody goes on', { timeout: 60_000 }, async () => {
    const { keeper, vm, stop } = await begin();
    const file = join(folder, vm, 'ledger');
    await expect.poll(() => readFileSync(file).includes('GPUVMLG1')).toBe(true);
    // In use: nothing is given back under a supervisor that is there.
    expect(await recoverHoldings(folder, { vm })).toEqual([
      { vm, file, problem: expect.stringMatching(/in use: its supervisor \(pid \d+\) is running/) },
    ]);
    await wait(200);
    await keeper.kill();
    keeper.close();
    // Nobody has the listener any more, so the guest's calls fail at once.
    expect((await stop()).wrong.length).toBeGreaterThan(0);
    const [recovered] = await recoverHoldings(folder, { vm });
    expect(recovered).toMatchObject({ vm, release: { givenBack: 3, failed: 0, entries: GIVEN_BACK } });
    expect(existsSync(file)).toBe(false);
    expect(await recoverHoldings(folder, { vm })).toEqual([]);
  });
});
