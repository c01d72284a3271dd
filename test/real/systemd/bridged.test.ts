import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canProbe, ProbeGuest } from '../../support/window-probe.js';
import { type Asked, askedIn, askingVm } from './asking-guest.js';
import { SystemdContainer } from './container.js';
import { VmService } from './service.js';

const missing = SystemdContainer.missing();
if (missing) console.warn(`SKIPPED: needs ${missing}`);
const able = missing === undefined && canProbe();

/** A guest of QEMU's own vfio-user device that asks without a pause, under the unit that gpuvm makes. */
describe.skipIf(!able).each(['trapped', 'shared'] as const)('a VM with a bridge (%s)', (layout) => {
  let container: SystemdContainer;
  let service: VmService;
  let guest: ProbeGuest | undefined;
  beforeAll(async () => {
    container = await SystemdContainer.start();
    guest = new ProbeGuest();
    service = await VmService.install(
      container,
      `asking-${layout}`,
      askingVm(guest, container.share, layout),
    );
    expect(await service.systemctl('start')).toMatchObject({ status: 0 });
  });
  afterAll(async () => {
    await container?.stop();
    guest?.remove();
  });

  async function last(): Promise<Asked | undefined> {
    return askedIn(await service.journal()).at(-1);
  }

  async function asksOn(): Promise<void> {
    const before = (await last())?.asked ?? 0;
    await expect
      .poll(async () => (await last())?.asked ?? 0, { timeout: 30_000 })
      .toBeGreaterThan(before + 32);
  }

  it.each([
    ['is told to hand it over', () => service.systemctl('reload'), '1'],
    ['is killed', () => service.systemctl('kill', '--signal=KILL', '--kill-whom=main'), '2'],
    ['is killed again', () => service.systemctl('kill', '--signal=KILL', '--kill-whom=main'), '3'],
    ['is told to hand it over, again', () => service.systemctl('reload'), '4'],
  ])('has its requests answered when its supervisor %s', async (_how, end, restarts) => {
    await asksOn();
    const [qemu] = await service.qemus();
    expect(await end()).toMatchObject({ status: 0 });
    await service.until('NRestarts', restarts);
    await service.until('ActiveState', 'active');
    await asksOn();
    expect(await service.qemus()).toEqual([qemu]);
    expect(await service.gpuvm('status')).toMatchObject({ name: service.name, state: 'running', pid: qemu });
    expect(await service.gpuvm('ps')).toMatchObject([{ name: service.name, state: 'running', pid: qemu }]);
  });

  it('has seen no answer that was not its own', async () => {
    const said = askedIn(await service.journal());
    // In order and each once; what a supervisor had read of the console when it was killed may be missing.
    const numbers = said.map(({ asked }) => asked);
    expect(numbers).toEqual([...new Set(numbers)].sort((one, other) => one - other));
    const { asked, wrong, refused, others } = said.at(-1)!;
    expect({ wrong, others }).toEqual({ wrong: 0, others: asked / 4 });
    // One request at most was under way at each of two kills.
    expect(refused).toBeLessThanOrEqual(2);
    expect(await service.journal()).not.toMatch(/^wrong /m);
  });

  it('gives back what the guest held before the first hand-over', async () => {
    await service.systemctl('stop');
    expect(await service.show('ActiveState', 'Result', 'ExecMainStatus', 'NFileDescriptorStore')).toEqual({
      ActiveState: 'inactive',
      Result: 'success',
      ExecMainStatus: '5',
      NFileDescriptorStore: '0',
    });
    expect(await service.qemus()).toEqual([]);
    const journal = await service.journal();
    expect(journal.match(/the guest left .*/g)).toEqual([
      'the guest left 1 on: 1 given back, 0 kept, 0 failed',
    ]);
    expect(journal).toContain('clock GPUSYS: on → off');
  });
});
