import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { FakeGuest } from '../bpmp/bridge/vfio-user/ivc/fake-guest.js';
import { VfioUserClient } from '../support/vfio-user-client.js';
import { closeKeepers, Keeper } from './handover/keeper.js';

const folder = mkdtempSync(join(tmpdir(), 'gpuvm-handover-'));
afterAll(() => rmSync(folder, { recursive: true }));

const policy = {
  file: 'test.yaml',
  text: 'version: 1\nlimit: none\nclocks: {GPUSYS: use, GPC0CLK: tune}\npowerDomains: {GPU: use}\ni2c: {5: [0x3c]}\n',
};
const KILLS = Number(process.env.GPUVM_TEST_KILLS ?? 8);
const PING = 0;
const CLK = 22;
const I2C = 21;
const EIO = -5;

let runs = 0;
afterEach(closeKeepers);

/** A guest that asks on three channels at once, each request after the last one's answer, and checks every answer. */
class Run {
  readonly tally = { pings: 0, i2c: 0, i2cRefused: 0 };
  #isStopped = false;
  #running: Promise<unknown> = Promise.resolve();

  private constructor(
    readonly keeper: Keeper,
    readonly guest: FakeGuest,
  ) {}

  static async begin(layout: 'trapped' | 'shared'): Promise<Run> {
    const vm = `vm${++runs}`;
    const sockets = { hsp: join(folder, `${vm}.hsp`), sram: join(folder, `${vm}.sram`) };
    const keeper = new Keeper({
      vm,
      policy,
      backend: { kind: 'simulated' },
      bridge: { kind: 'ivc', sockets, layout },
      ledgerFile: join(folder, vm, 'ledger'),
    });
    await keeper.start();
    const [hsp, sram] = [new VfioUserClient(sockets.hsp), new VfioUserClient(sockets.sram)];
    await hsp.start();
    await sram.start();
    const guest = await FakeGuest.connect(hsp, sram, layout);
    await guest.boot();
    const run = new Run(keeper, guest);
    expect((await guest.channel(3).transferAtomic(CLK, Buffer.from('30010007', 'hex'))).ret).toBe(0);
    const needed = ['hsp.connection.1', 'sram.connection.1', 'hsp.trigger.1'];
    await expect
      .poll(() => needed.every((name) => keeper.names.includes(name)), { timeout: 20_000 })
      .toBe(true);
    run.#running = Promise.all([run.#pings(0), run.#pings(1), run.#transfers(2)]);
    return run;
  }

  async stop() {
    this.#isStopped = true;
    await this.#running;
    this.guest.close();
    const ended = await this.keeper.ended();
    this.keeper.close();
    const { requests } = ended.backendState as { requests: Record<string, number> };
    return { ended, requests };
  }

  async #pings(channel: number): Promise<void> {
    for (let i = 1; !this.#isStopped; i++) {
      const challenge = Buffer.alloc(4);
      challenge.writeUInt32LE(i + channel * 100_000_000);
      const { ret, rx } = await this.guest.channel(channel).transfer(PING, challenge);
      expect([ret, rx.readUInt32LE(0)]).toEqual([0, challenge.readUInt32LE(0) * 2]);
      this.tally.pings++;
    }
  }

  async #transfers(channel: number): Promise<void> {
    const tx = Buffer.from('010000000500000008000000' + '3c000000020007aa', 'hex');
    while (!this.#isStopped) {
      const { ret } = await this.guest.channel(channel).transfer(I2C, tx);
      expect([0, EIO]).toContain(ret);
      if (ret === EIO) this.tally.i2cRefused++;
      this.tally.i2c++;
    }
  }
}

const GIVEN_BACK = [{ resource: 'clock GPUSYS', from: 'on', to: 'off', result: 'given-back' }];

describe.each(['trapped', 'shared'] as const)(
  'an ivc guest (%s) handed from process to process',
  (layout) => {
    it('asks on through planned hand-overs, each request executed once', { timeout: 240_000 }, async () => {
      const run = await Run.begin(layout);
      for (let i = 0; i < 3; i++) {
        await wait(50 + Math.random() * 100);
        await run.keeper.handOver();
        await run.keeper.start();
      }
      const { ended, requests } = await run.stop();
      expect(run.tally.i2cRefused).toBe(0);
      expect(requests).toMatchObject({ [PING]: run.tally.pings, [I2C]: run.tally.i2c });
      expect(ended.release).toMatchObject({ givenBack: 1, failed: 0, entries: GIVEN_BACK });
    });

    it(`asks on through ${KILLS} kills, each request answered once`, {
      timeout: 120_000 + KILLS * 10_000,
    }, async () => {
      const run = await Run.begin(layout);
      await run.keeper.torment(KILLS);
      const { ended, requests } = await run.stop();
      const { tally } = run;
      expect(requests[PING] - tally.pings).toBeGreaterThanOrEqual(0);
      // Each channel has one request under way at most.
      expect(requests[PING] - tally.pings).toBeLessThanOrEqual(2 * KILLS);
      expect(requests[I2C]).toBeLessThanOrEqual(tally.i2c);
      expect(requests[I2C]).toBeGreaterThanOrEqual(tally.i2c - tally.i2cRefused);
      expect(ended.snapshot.bridge).toMatchObject({ channelResets: 0 });
      expect(ended.release).toMatchObject({ givenBack: 1, failed: 0, entries: GIVEN_BACK });
    });
  },
);
