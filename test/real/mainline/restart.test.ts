import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { Guest } from './guest.js';
import { guestIsPrepared, INITRD, KERNEL } from './vm-file.js';

const zone = '/sys/class/thermal/thermal_zone0/temp';

describe.skipIf(!guestIsPrepared())('a guest that starts anew', () => {
  let guest: Guest | undefined;
  const folder = mkdtempSync(join(tmpdir(), 'gpuvm-restart-'));
  afterEach(() => guest?.kill());
  afterAll(() => rmSync(folder, { recursive: true }));

  /** Everything that a driver does over the BPMP works. */
  async function expectToWork(): Promise<void> {
    expect(await guest!.read(zone)).toBe('45000');
    expect((await guest!.must('i2c /dev/i2c-0 0x3c 10 2')).text).toBe('b0b1');
    expect(await guest!.list('/sys/class/pwm')).toHaveLength(2);
  }

  it('reboots three times in a row', async () => {
    guest = await Guest.boot({ cpus: 2 });
    for (let boots = 2; boots <= 4; boots++) {
      await expectToWork();
      await guest.ask('reboot');
      await guest.init(boots);
    }
    await expectToWork();
    expect((await guest.bridge!.snapshot()).bridge).toMatchObject({ inFlight: 0, channelResets: 0 });
    expect((await guest.powerOff()).report.ending).toBe('guest-shutdown');
  });

  it('goes over to another kernel by kexec, with no reset of the machine', async () => {
    const initrd = join(folder, 'initrd');
    const next = cpio({ Image: readFileSync(KERNEL), initrd: readFileSync(INITRD) });
    // A second archive behind the first adds to it.
    writeFileSync(initrd, Buffer.concat([readFileSync(INITRD), next]));
    guest = await Guest.boot({ cpus: 2, initrd });
    await guest.must('kexec /Image /initrd quiet');
    await guest.init(2);
    await expectToWork();
    await guest.powerOff();
  });

  it("suspends its devices and resumes them, which shakes the channels' hands again", async () => {
    guest = await Guest.boot({ cpus: 2 });
    await guest.write('/sys/power/pm_test', 'devices');
    await guest.write('/sys/power/state', 'freeze');
    await expectToWork();
    await guest.powerOff();
  });
});

/** An archive of files in the format of cpio's newc. */
function cpio(files: Record<string, Uint8Array>): Buffer {
  const entry = (name: string, mode: number, data: Uint8Array) => {
    const fields = [1, mode, 0, 0, 1, 0, data.length, 0, 0, 0, 0, name.length + 1, 0];
    const header = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}${name}\0`;
    return [pad(Buffer.from(header)), pad(Buffer.from(data))];
  };
  const entries = Object.entries(files).flatMap(([name, data]) => entry(name, 0o100644, data));
  return Buffer.concat([...entries, ...entry('TRAILER!!!', 0, new Uint8Array())]);
}

function pad(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
}
