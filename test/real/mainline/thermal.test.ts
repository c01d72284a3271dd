import { afterEach, describe, expect, it } from 'vitest';
import { Guest } from './guest.js';
import { guestIsPrepared } from './vm-file.js';

describe.skipIf(!guestIsPrepared())('a thermal trip', () => {
  let guest: Guest | undefined;
  afterEach(() => guest?.kill());

  const notified = async () => (await guest!.bridge!.snapshot()).bridge.notifiesAcknowledged;

  it('reaches the guest, which looks and sets the next ones', async () => {
    guest = await Guest.boot();
    const tripOf = async (zone: string) => (await guest!.state()).trips.find((trip) => trip.zone === zone);
    expect((await tripOf('cpu'))!.high).toBe(70_000);
    expect(await notified()).toBe(0);
    await guest.bridge!.setTemperature('cpu', 75_000);
    await expect.poll(notified).toBe(1);
    // Warmer than the only trip: the guest waits for it to cool down now.
    await expect.poll(async () => (await tripOf('cpu'))!.low).toBe(68_000);
    await guest.bridge!.setTemperature('cpu', 50_000);
    await expect.poll(async () => (await tripOf('cpu'))!.high).toBe(70_000);
    expect(await notified()).toBe(2);
    await guest.powerOff();
  });

  it('that is critical has the guest power itself off', async () => {
    guest = await Guest.boot();
    await guest.bridge!.setTemperature('gpu', 104_200);
    const { report } = await guest.end();
    expect(report.ending).toBe('guest-shutdown');
    expect(guest.console.join('\n')).toContain('critical temperature reached');
  });
});
