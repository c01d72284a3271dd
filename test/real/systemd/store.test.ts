import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countingGuest } from '../counting-guest.js';
import { hasProgram } from '../programs.js';
import { SystemdContainer } from './container.js';
import { typescript, VmService } from './service.js';

const missing = SystemdContainer.missing();
if (missing) console.warn(`SKIPPED: needs ${missing}`);

/** With a program that does no more than it must; the unit is the one that gpuvm makes. */
describe.skipIf(missing !== undefined || !hasProgram('qemu-system-x86_64'))(
  "systemd's descriptor store",
  () => {
    let container: SystemdContainer;
    let service: VmService;
    beforeAll(async () => {
      container = await SystemdContainer.start();
      const image = join(container.share, 'counting.img');
      writeFileSync(image, countingGuest());
      const keeper = typescript('store-keeper.ts').join(' ');
      service = await VmService.install(
        container,
        'counting',
        `machine: pc\ndisks: [{ file: ${image}, interface: ide }]\n`,
        ['ExecStart=', `ExecStart=${keeper} ${image} ${image}`],
      );
      expect(await service.systemctl('start')).toMatchObject({ status: 0 });
    });
    afterAll(() => container?.stop());

    /** What the guest was heard to count, in order. */
    async function counted(): Promise<number[]> {
      const journal = await service.journal();
      return [...journal.matchAll(/^([0-9A-F]{4})$/gm)].map(([, digits]) => Number.parseInt(digits!, 16));
    }

    async function countsOn(): Promise<void> {
      const before = (await counted()).at(-1) ?? 0;
      await expect
        .poll(async () => (await counted()).at(-1) ?? 0, { timeout: 30_000 })
        .toBeGreaterThan(before + 10);
    }

    it.each([
      ['is told to hand it over', () => service.systemctl('reload'), '1'],
      ['is killed', () => service.systemctl('kill', '--signal=KILL', '--kill-whom=main'), '2'],
      ['is told to hand it over, again', () => service.systemctl('reload'), '3'],
    ])('keeps a VM going when its supervisor %s', async (_how, end, restarts) => {
      await countsOn();
      const [qemu] = await service.qemus();
      const supervisor = await service.property('MainPID');
      expect(await service.property('NFileDescriptorStore')).toBe('1');
      expect(await end()).toMatchObject({ status: 0 });
      await service.until('NRestarts', restarts);
      await service.until('ActiveState', 'active');
      expect(await service.show('StatusText', 'NFileDescriptorStore', 'Result')).toEqual({
        StatusText: 'took over',
        NFileDescriptorStore: '1',
        Result: 'success',
      });
      expect(await service.property('MainPID')).not.toBe(supervisor);
      await countsOn();
      expect(await service.qemus()).toEqual([qemu]);
      const numbers = await counted();
      expect(numbers).toEqual(numbers.map((_, index) => index + 1));
      expect(await service.journal()).toContain('its VM is left to the next one');
    });

    it('is emptied, and what is left is ended, when the service is stopped', async () => {
      // The program does not end its QEMU: what KillMode=process leaves alone the unit's last command ends.
      await service.systemctl('stop');
      expect(await service.qemus()).toEqual([]);
      expect(await service.property('NFileDescriptorStore')).toBe('0');
      expect(await service.journal()).toMatch(/ended qemu-system/);
    });
  },
);
