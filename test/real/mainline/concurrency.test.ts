import { afterEach, describe, expect, it } from 'vitest';
import { Mrq } from '../../../src/bpmp/wire/index.js';
import { Guest } from './guest.js';
import { guestIsPrepared, READABLE_ZONES } from './vm-file.js';

const COUNT = 25_000;
const zones = READABLE_ZONES;
/** Each thread has a zone of its own. */
const jobs = [
  'i2c=/dev/i2c-0,0x3c',
  ...zones.map((_, id) => `read=/sys/class/thermal/thermal_zone${id}/temp`),
];

describe.skipIf(!guestIsPrepared())('transfers from 4 CPUs at once', () => {
  let guest: Guest | undefined;
  afterEach(() => guest?.kill());

  it(`${COUNT}: none lost, none answered twice, none to the wrong caller`, async () => {
    guest = await Guest.boot({ cpus: 4, backend: { thermalZones: zones } });
    const before = (await guest.state()).requests;
    const first = await guest.bridge!.snapshot();
    const answer = await guest.must(`stress ${COUNT} ${jobs.join(' ')}`, 150_000);
    const after = (await guest.state()).requests;
    const { bridge, totals } = await guest.bridge!.snapshot();

    expect(answer).toMatchObject({ done: COUNT, wrong: 0 });
    // Of Linux 6.12's stable releases some lose doorbells of their own: docs/mainline-guest.md. Never more than two.
    const own = (await guest.log()).filter((line) => line.includes('Try increasing MBOX_TX_QUEUE_LEN'));
    expect(answer.failed).toBeLessThanOrEqual(Math.min(own.length, 2));
    const reached = (mrq: number) => (after[mrq] ?? 0) - (before[mrq] ?? 0);
    // Each job has read once before it counts.
    expect(reached(Mrq.I2C) + reached(Mrq.THERMAL)).toBe(COUNT + zones.length);
    expect(bridge.transfers! - first.bridge.transfers!).toBe(COUNT + zones.length);
    expect(bridge).toMatchObject({ inFlight: 0, channelResets: 0, late: 0, abandoned: 0, refused: 0 });
    expect(totals.malformed).toBe(0);
    await guest.powerOff();
  });
});
