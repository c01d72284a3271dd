import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countingGuest } from '../counting-guest.js';
import { hasProgram } from '../programs.js';
import { SystemdContainer } from './container.js';
import { VmService } from './service.js';

const missing = SystemdContainer.missing();
if (missing) console.warn(`SKIPPED: needs ${missing}`);

/** `gpuvm run` under the unit that gpuvm makes. */
describe.skipIf(missing !== undefined || !hasProgram('qemu-system-x86_64'))('a supervised VM', () => {
  let container: SystemdContainer;
  let service: VmService;
  beforeAll(async () => {
    container = await SystemdContainer.start();
    const image = join(container.share, 'counting.img');
    writeFileSync(image, countingGuest());
    service = await VmService.install(
      container,
      'supervised',
      `machine: pc
disks: [{ file: ${image}, interface: ide }]
stop: { powerdown: 0s }
`,
    );
    expect(await service.systemctl('start')).toMatchObject({ status: 0 });
  });
  afterAll(() => container?.stop());

  async function counted(): Promise<number[]> {
    const journal = await service.journal();
    return [...journal.matchAll(/^([0-9A-F]{4})$/gm)].map(([, digits]) => Number.parseInt(digits!, 16));
  }

  async function countsOn(): Promise<void> {
    const before = (await counted()).at(-1) ?? 0;
    await expect
      .poll(async () => (await counted()).at(-1) ?? 0, { timeout: 60_000 })
      .toBeGreaterThan(before + 10);
  }

  it.each([
    ['is told to hand it over', () => service.systemctl('reload'), '1'],
    ['is killed', () => service.systemctl('kill', '--signal=KILL', '--kill-whom=main'), '2'],
    ['is told to hand it over, again', () => service.systemctl('reload'), '3'],
  ])('goes on when its supervisor %s', async (_how, end, restarts) => {
    await countsOn();
    const [qemu] = await service.qemus();
    expect(await end()).toMatchObject({ status: 0 });
    await service.until('NRestarts', restarts);
    await service.until('ActiveState', 'active');
    await countsOn();
    expect(await service.qemus()).toEqual([qemu]);
    const numbers = await counted();
    // The guest goes on where it was. Of a supervisor that is killed, what it had read of the console and not yet printed is lost.
    const steps = numbers.slice(1).map((number, index) => number - numbers[index]!);
    expect(steps.every((step) => step >= 1)).toBe(true);
    const gaps = steps.filter((step) => step > 1);
    expect(gaps.length).toBeLessThanOrEqual(restarts === '1' ? 0 : 1);
  });

  it('stays with its supervisor where a successor would stumble over the VM file', async () => {
    const { NRestarts } = await service.show('NRestarts');
    const [qemu] = await service.qemus();
    await container.get('sed', '-i', 's/^machine: pc/machine: [pc]/', service.file);
    await service.systemctl('reload');
    await expect.poll(() => service.journal(), { timeout: 30_000 }).toContain('not handed over: ');
    await container.get('sed', '-i', 's/^machine: .*/machine: pc/', service.file);
    await countsOn();
    expect(await service.qemus()).toEqual([qemu]);
    expect((await service.show('NRestarts')).NRestarts).toBe(NRestarts);
  });

  it('is stopped by a supervisor that took it over', async () => {
    await service.systemctl('stop');
    expect(await service.show('ActiveState', 'Result', 'ExecMainStatus')).toEqual({
      ActiveState: 'inactive',
      Result: 'success',
      ExecMainStatus: '5',
    });
    expect(await service.qemus()).toEqual([]);
  });
});
