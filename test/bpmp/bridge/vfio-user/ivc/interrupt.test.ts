import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { addon } from '../../../../../src/native/index.js';
import { VfioUserClient, words } from '../../../../support/vfio-user-client.js';
import { HSP } from './fake-guest.js';
import { serveIvc } from './served-ivc.js';

const NONE = 1;
const BOOL = 2;
const EVENTFD = 4;
const MASK = 8;
const UNMASK = 0x10;
const TRIGGER = 0x20;

/** A client of the HSP that raises interrupts by beginning handshakes. */
async function connected() {
  const { sockets, bridge } = await serveIvc();
  const [hsp, sram] = [new VfioUserClient(sockets.hsp), new VfioUserClient(sockets.sram)];
  onTestFinished(() => {
    hsp.close();
    sram.close();
  });
  await hsp.start();
  await sram.start();
  const eventfd = addon().eventfdCreate();
  onTestFinished(() => addon().closeFd(eventfd));
  const set = async (flags: number, fds: number[] = [], count = 1, bools: number[] = []) =>
    (
      await hsp.request(
        8,
        Buffer.concat([words(20 + bools.length, flags, 0, 0, count), Buffer.from(bools)]),
        fds,
      )
    ).errno;
  expect(await set(EVENTFD | TRIGGER, [eventfd])).toBe(0);
  await hsp.write(0, HSP.ENABLE, words(1 << 19));
  return {
    bridge,
    hsp,
    eventfd,
    set,
    /** How often the pin went up since the last time. */
    fired: () => addon().eventfdDrain(eventfd),
    raise: () => sram.write(0, 4, words(1)),
    pending: async () => (await hsp.read(0, HSP.PENDING, 4)).payload.readUInt32LE(16),
    clear: () => hsp.write(0, HSP.PENDING, words(0xffffffff)),
  };
}

describe('the interrupt', () => {
  it('is told of as the kernel’s drivers need it', async () => {
    const { hsp } = await connected();
    const { payload } = await hsp.request(7, words(16, 0, 0, 0));
    expect(payload).toEqual(words(16, 7, 0, 1));
    expect((await hsp.read(7, 0x3d, 1)).payload[16]).toBe(1);
  });

  it('goes up once, and again after UNMASK only where something was raised since PENDING was read', async () => {
    const { raise, fired, pending, clear, set } = await connected();
    await raise();
    await raise();
    expect(fired()).toBe(1);
    expect(await pending()).toBe(1 << 19);
    expect(await set(NONE | UNMASK)).toBe(0);
    expect(fired()).toBe(0);
    await clear();
    expect(await pending()).toBe(0);
    await raise();
    expect(fired()).toBe(1);
    // QEMU takes the pin down at any access; the guest has not looked yet.
    await set(NONE | UNMASK);
    expect(fired()).toBe(1);
    expect(await pending()).toBe(1 << 19);
    await raise();
    expect(fired()).toBe(0);
    await set(NONE | UNMASK);
    expect(fired()).toBe(1);
  });

  it('waits for the doorbell to be let through', async () => {
    const { hsp, raise, fired, pending } = await connected();
    await hsp.write(0, HSP.ENABLE, words(0));
    await raise();
    expect(fired()).toBe(0);
    expect(await pending()).toBe(0);
    expect((await hsp.read(0, HSP.RAW, 4)).payload.readUInt32LE(16)).toBe(1 << 19);
    await hsp.write(0, HSP.ENABLE, words(1 << 19));
    expect(fired()).toBe(1);
  });

  it('is unmasked by an event, as KVM does it', async () => {
    const { raise, fired, set } = await connected();
    const unmask = addon().eventfdCreate();
    onTestFinished(() => addon().closeFd(unmask));
    expect(await set(EVENTFD | UNMASK, [unmask])).toBe(0);
    for (let i = 0; i < 3; i++) {
      await raise();
      expect(fired()).toBe(i === 0 ? 1 : 0);
      addon().eventfdSignal(unmask);
      await sleep(5);
      expect(fired()).toBe(1);
    }
    expect(await set(EVENTFD | UNMASK)).toBe(0);
    addon().eventfdSignal(unmask);
    await sleep(5);
    expect(fired()).toBe(0);
  });

  it('is masked, unmasked and triggered by a message of either form', async () => {
    const { raise, fired, set } = await connected();
    expect(await set(BOOL | MASK, [], 1, [1])).toBe(0);
    await raise();
    expect(fired()).toBe(0);
    expect(await set(BOOL | UNMASK, [], 1, [0])).toBe(0);
    expect(fired()).toBe(0);
    expect(await set(BOOL | UNMASK, [], 1, [1])).toBe(0);
    expect(fired()).toBe(1);
    expect(await set(NONE | TRIGGER)).toBe(0);
    expect(fired()).toBe(1);
    expect(await set(NONE | TRIGGER, [], 0)).toBe(0);
    await set(NONE | UNMASK);
    expect(fired()).toBe(0);
    expect(await set(EVENTFD | MASK, [])).toBe(22);
  });

  it('goes to the descriptor that was given last, and what was raised without one is not lost', async () => {
    const { raise, fired, set, eventfd } = await connected();
    expect(await set(EVENTFD | TRIGGER, [])).toBe(0);
    await raise();
    expect(fired()).toBe(0);
    expect(await set(EVENTFD | TRIGGER, [eventfd])).toBe(0);
    expect(fired()).toBe(1);
  });

  it('takes no descriptor that could keep it waiting', async () => {
    const { set } = await connected();
    const file = openSync('/dev/null', 'w');
    onTestFinished(() => closeSync(file));
    expect(await set(EVENTFD | TRIGGER, [file])).toBe(22);
    expect(await set(EVENTFD | UNMASK, [file])).toBe(22);
  });

  it('is not there in the SRAM, whose memory QEMU would not map otherwise', async () => {
    const { sockets } = await serveIvc();
    const sram = new VfioUserClient(sockets.sram);
    onTestFinished(() => sram.close());
    await sram.start();
    expect((await sram.request(7, words(16, 0, 0, 0))).payload).toEqual(words(16, 0, 0, 0));
    expect((await sram.read(7, 0x3d, 1)).payload[16]).toBe(0);
  });
});
