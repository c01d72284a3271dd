import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ControlClient } from '../../../src/control/index.js';
import { guestIsPrepared, vmFile } from '../mainline/vm-file.js';
import { SystemdContainer } from './container.js';
import { VmService } from './service.js';

const missing = SystemdContainer.missing();
if (missing) console.warn(`SKIPPED: needs ${missing}`);
const able = missing === undefined && guestIsPrepared();

interface Answer {
  readonly id?: number;
  readonly ok?: boolean;
  readonly text?: string;
}

/** What a PWM's driver does with its clock: a rate for each period, and on and off. */
const STEPS = 300;
const PWM = '/sys/class/pwm/pwmchip0';
const steps = Array.from({ length: STEPS }, (_, step) => {
  if (step % 8 === 7) return `write ${PWM}/pwm0/enable ${(step >> 3) & 1 ? 0 : 1}`;
  return `write ${PWM}/pwm0/period ${step % 2 ? 1_000_000 : 100_000}`;
});

/** A mainline kernel whose clock driver is at work the whole time, on the ivc bridge. */
describe.skipIf(!able)('a mainline guest as a service', () => {
  let container: SystemdContainer;
  let service: VmService;
  let nextId = 1;
  beforeAll(async () => {
    container = await SystemdContainer.start();
    const keys = Object.entries(vmFile({ cpus: 2 }))
      .filter(([key]) => key !== 'name')
      .map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`);
    service = await VmService.install(container, 'mainline', `${keys.join('')}stop: { powerdown: 0s }\n`);
    expect(await service.systemctl('start')).toMatchObject({ status: 0 });
  });
  afterAll(() => container?.stop());

  async function answers(): Promise<Answer[]> {
    const said = (await service.journal()).matchAll(/^gpuvm-guest: (.*)$/gm);
    return [...said].map(([, json]) => JSON.parse(json!) as Answer).filter(({ id }) => id !== undefined);
  }

  /** Types requests into the guest's console, all at once, and returns the number of the last. */
  async function type(requests: readonly string[]): Promise<number> {
    const lines = requests.map((request) => `${nextId++} ${request}\n`).join('');
    const path = `/proc/${container.pid}/root/run/gpuvm/mainline.sock`;
    await new ControlClient({ path }).type(Buffer.from(lines));
    return nextId - 1;
  }

  async function answered(id: number): Promise<Answer> {
    const found = async () => (await answers()).find((answer) => answer.id === id);
    await expect.poll(found, { timeout: 60_000 }).toBeDefined();
    return (await found())!;
  }

  it('works on through hand-overs and kills of its supervisor, and its kernel has nothing to say of it', async () => {
    await expect.poll(() => service.journal(), { timeout: 60_000 }).toContain('"event":"init"');
    const before = await answered(await type([`write ${PWM}/export 0`, 'log']));
    const [qemu] = await service.qemus();
    const ends = [
      () => service.systemctl('reload'),
      () => service.systemctl('kill', '--signal=KILL', '--kill-whom=main'),
      () => service.systemctl('kill', '--signal=KILL', '--kill-whom=main'),
    ];
    for (const [index, end] of ends.entries()) {
      const last = await type(steps);
      await answered(last - STEPS + 10);
      const worked = (await answers()).length;
      // Otherwise nothing is proven by what follows.
      expect(worked).toBeLessThan(last);
      expect(await end()).toMatchObject({ status: 0 });
      await service.until('NRestarts', String(index + 1));
      await service.until('ActiveState', 'active');
      await answered(last);
    }
    const all = await answers();
    expect(all.map(({ id }) => id)).toEqual(all.map((_, index) => index + 1));
    expect(all.filter(({ ok }) => ok !== true)).toEqual([]);
    expect((await answered(await type(['log']))).text).toBe(before.text);
    expect(await service.qemus()).toEqual([qemu]);
    const status = (await service.gpuvm('status')) as { bridge: { snapshot: { bridge: object } } };
    expect(status.bridge.snapshot.bridge).toMatchObject({ channelResets: 0, inFlight: 0 });
  });

  it('has what it held given back', async () => {
    await answered(await type([`write ${PWM}/pwm0/enable 1`]));
    await service.systemctl('stop');
    expect(await service.show('ActiveState', 'Result')).toEqual({
      ActiveState: 'inactive',
      Result: 'success',
    });
    const journal = await service.journal();
    const [, left, back] = /the guest left (\d+) on: (\d+) given back, 0 kept, 0 failed/.exec(journal) ?? [];
    expect(Number(left)).toBeGreaterThan(0);
    expect(back).toBe(left);
    expect(journal).toContain('clock PWM2: on → off');
  });
});
