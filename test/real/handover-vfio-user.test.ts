import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { WINDOW } from '../../src/bpmp/wire/index.js';
import { access, VfioUserClient } from '../support/vfio-user-client.js';
import { closeKeepers, Keeper } from './handover/keeper.js';

const folder = mkdtempSync(join(tmpdir(), 'gpuvm-handover-'));
afterAll(() => rmSync(folder, { recursive: true }));

const policy = {
  file: 'test.yaml',
  text: 'version: 1\nlimit: none\nclocks: {GPUSYS: use, GPC0CLK: tune}\npowerDomains: {GPU: use}\ni2c: {5: [0x3c]}\n',
};
const KILLS = Number(process.env.GPUVM_TEST_KILLS ?? 15);
const BAR0 = 0;
const CONFIG = 7;
/** The window's place in the BAR. */
const AT = 0xb00;
const PING = 0;
const I2C = 21;
const EIO = -5;
const VERSION = Buffer.from('{"capabilities":{}}\0');

/** A guest's driver, as far as a client of the window is one; everything is checked. */
class Driver {
  readonly tally = { pings: 0, i2c: 0, i2cRefused: 0, rates: 0 };
  readonly #client: VfioUserClient;
  #id = 0;
  #isStopped = false;

  constructor(path: string) {
    this.#client = new VfioUserClient(path);
  }

  async begin(): Promise<void> {
    await this.#ask(1, Buffer.concat([Buffer.from([0, 0, 0, 0]), VERSION]));
    await this.#write(CONFIG, 4, Buffer.from([6, 0]));
    for (const held of ['30010007', '290000020000000000ca9a3b00000000']) {
      expect((await this.transfer(22, Buffer.from(held.padEnd(32, '0'), 'hex'))).ret).toBe(0);
    }
  }

  /** Until it is told to stop. */
  async run(): Promise<void> {
    for (let i = 1; !this.#isStopped; i++) {
      const challenge = Buffer.alloc(4);
      challenge.writeUInt32LE(i);
      const { ret, rx } = await this.transfer(PING, challenge);
      expect([ret, rx.readUInt32LE(0)]).toEqual([0, i * 2]);
      this.tally.pings++;
      if (i % 4 !== 0) continue;
      const { ret: transferred } = await this.transfer(
        I2C,
        Buffer.from('010000000500000008000000' + '3c000000020007aa', 'hex'),
      );
      expect([0, EIO]).toContain(transferred);
      if (transferred === EIO) this.tally.i2cRefused++;
      this.tally.i2c++;
      // What the guest has programmed is still there.
      expect((await this.#read(CONFIG, 4, 2)).toString('hex')).toBe('0600');
    }
  }

  stop(): void {
    this.#isStopped = true;
  }

  close(): void {
    this.#client.close();
  }

  async transfer(mrq: number, tx: Buffer): Promise<{ ret: number; rx: Buffer }> {
    const size = Buffer.alloc(8);
    size.writeUInt32LE(tx.length);
    const room = Buffer.alloc(8);
    room.writeUInt32LE(64);
    const number = Buffer.alloc(4);
    number.writeUInt32LE(mrq);
    // In as QEMU does it: what nobody answers, and then what somebody does.
    this.#post(WINDOW.TX, tx);
    this.#post(WINDOW.TX_SIZE, size);
    await this.#write(BAR0, AT + WINDOW.RX_SIZE, room);
    await this.#write(BAR0, AT + WINDOW.MRQ, number);
    const ret = (await this.#read(BAR0, AT + WINDOW.RX_SIZE + 8, 4)).readInt32LE(0);
    const rx = await this.#read(BAR0, AT + WINDOW.RX, 8);
    return { ret, rx };
  }

  #post(offset: number, data: Buffer): void {
    this.#id++;
    this.#client.postedWrite(BAR0, AT + offset, data);
  }

  async #write(region: number, offset: number, data: Buffer): Promise<void> {
    await this.#ask(10, Buffer.concat([access(region, offset, data.length), data]));
  }

  async #read(region: number, offset: number, count: number): Promise<Buffer> {
    return (await this.#ask(9, access(region, offset, count))).subarray(16);
  }

  /** The next reply is this request's, and no other's. */
  async #ask(command: number, payload: Buffer): Promise<Buffer> {
    const id = this.#id++ & 0xffff;
    const reply = await this.#client.request(command, payload);
    expect([reply.id, reply.command, reply.errno]).toEqual([id, command, 0]);
    return reply.payload;
  }
}

let runs = 0;
afterEach(closeKeepers);

async function begin(layout: 'trapped' | 'shared' = 'trapped'): Promise<{ keeper: Keeper; driver: Driver }> {
  const vm = `vm${++runs}`;
  const socketPath = join(folder, vm);
  const keeper = new Keeper({
    vm,
    policy,
    backend: { kind: 'simulated' },
    bridge: { kind: 'vfio-user', socketPath, layout },
    ledgerFile: join(folder, `${vm}.run`, 'ledger'),
  });
  await keeper.start();
  const driver = new Driver(socketPath);
  await driver.begin();
  await expect.poll(() => keeper.names, { timeout: 20_000 }).toContain('window.connection.1');
  return { keeper, driver };
}

const GIVEN_BACK = [
  { resource: 'clock rate GPC0CLK', result: 'given-back' },
  { resource: 'clock GPUSYS', from: 'on', to: 'off', result: 'given-back' },
];

describe('a client of the window handed from process to process', () => {
  it('asks on through planned hand-overs, each request executed once', { timeout: 240_000 }, async () => {
    const { keeper, driver } = await begin();
    const running = driver.run();
    for (let i = 0; i < 5; i++) {
      await wait(50 + Math.random() * 100);
      await keeper.handOver();
      await keeper.start();
    }
    driver.stop();
    await running;
    driver.close();
    const ended = await keeper.ended();
    keeper.close();
    const { tally } = driver;
    const { requests } = ended.backendState as { requests: Record<string, number> };
    expect(tally.i2cRefused).toBe(0);
    expect(requests).toMatchObject({ [PING]: tally.pings, [I2C]: tally.i2c });
    expect(ended.snapshot.totals).toMatchObject({ allow: tally.pings + tally.i2c + 2, deny: 0 });
    expect(ended.release).toMatchObject({ givenBack: 2, failed: 0, entries: GIVEN_BACK });
  });

  it(`asks on through ${KILLS} kills, each request answered once`, {
    timeout: 120_000 + KILLS * 10_000,
  }, async () => {
    const { keeper, driver } = await begin();
    const running = driver.run();
    await keeper.torment(KILLS);
    driver.stop();
    await running;
    driver.close();
    const ended = await keeper.ended();
    keeper.close();
    const { tally } = driver;
    const { requests } = ended.backendState as { requests: Record<string, number> };
    expect(requests[PING] - tally.pings).toBeGreaterThanOrEqual(0);
    expect(requests[PING] - tally.pings).toBeLessThanOrEqual(KILLS);
    expect(requests[I2C]).toBeLessThanOrEqual(tally.i2c);
    expect(requests[I2C]).toBeGreaterThanOrEqual(tally.i2c - tally.i2cRefused);
    expect(ended.release).toMatchObject({ givenBack: 2, failed: 0, entries: GIVEN_BACK });
  });
});
