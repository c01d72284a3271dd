import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasProgram } from '../programs.js';
import { SystemdContainer } from './container.js';
import { VmService } from './service.js';

const missing = SystemdContainer.missing();
if (missing) console.warn(`SKIPPED: needs ${missing}`);
const root = resolve(import.meta.dirname, '../../..');

/**
 * A QEMU whose process tree asks the BPMP's device over the interposed bridge without a pause, one request after the other,
 * and checks the answers: what a patched QEMU would do for its guest, a child of it does here.
 */
describe.skipIf(missing !== undefined || !hasProgram('qemu-system-x86_64'))(
  'a VM behind the interposed bridge',
  () => {
    let container: SystemdContainer;
    let service: VmService;
    let files: { tally: string; progress: string; stop: string };
    beforeAll(async () => {
      container = await SystemdContainer.start();
      chmodSync(container.share, 0o755);
      const folder = join(container.share, 'reports');
      mkdirSync(folder);
      files = {
        tally: join(folder, 'tally.json'),
        progress: join(folder, 'progress'),
        stop: join(folder, 'stop'),
      };
      // Two folders below the root, where it finds the addon.
      const asker = join(root, 'build/systemd/asker.js');
      await build({
        entryPoints: [join(root, 'test/real/handover/guest.ts')],
        outfile: asker,
        bundle: true,
        format: 'esm',
        platform: 'node',
        target: 'node20',
        packages: 'external',
        logLevel: 'error',
      });
      writeFileSync(
        join(container.share, 'patched-qemu'),
        `#!/bin/sh
'${process.execPath}' '${asker}' /dev/bpmp-host '${files.stop}' '${files.progress}' >'${files.tally}' &
exec qemu-system-x86_64 "$@"
`,
        { mode: 0o755 },
      );
      const policy = join(container.share, 'policy.yaml');
      writeFileSync(
        policy,
        `version: 1
chip: tegra234
limit: none
clocks: { GPUSYS: use, GPC0CLK: tune }
powerDomains: { GPU: use }
i2c: { 5: [0x3c] }
`,
      );
      await container.run('mknod', '-m', '600', '/dev/bpmp-host', 'c', '1', '3');
      service = await VmService.install(
        container,
        'interposed',
        `qemu: { binary: ./patched-qemu }
machine: none
bridge: { kind: interposed }
backend: { kind: simulated }
policy: ${policy}
stop: { powerdown: 0s }
`,
        [`ReadWritePaths=${folder}`],
      );
      expect(await service.systemctl('start')).toMatchObject({ status: 0 });
    });
    afterAll(() => container?.stop());

    const progress = () => (existsSync(files.progress) ? Number(readFileSync(files.progress, 'utf8')) : 0);

    async function asksOn(): Promise<void> {
      const before = progress();
      await expect.poll(progress, { timeout: 30_000 }).toBeGreaterThan(before + 1000);
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
      expect(await service.gpuvm('status')).toMatchObject({ state: 'running', pid: qemu });
    });

    it('has seen no answer that was not its own, and has what it held given back', async () => {
      writeFileSync(files.stop, '');
      await expect.poll(() => readFileSync(files.tally, 'utf8'), { timeout: 30_000 }).toContain('}');
      const tally = JSON.parse(readFileSync(files.tally, 'utf8')) as { wrong: string[]; i2cRefused: number };
      expect(tally.wrong).toEqual([]);
      // One request at most was under way at each of two kills.
      expect(tally.i2cRefused).toBeLessThanOrEqual(2);
      await service.systemctl('stop');
      expect(await service.show('ActiveState', 'Result', 'NFileDescriptorStore')).toEqual({
        ActiveState: 'inactive',
        Result: 'success',
        NFileDescriptorStore: '0',
      });
      expect(await service.qemus()).toEqual([]);
      const journal = await service.journal();
      expect(journal.match(/the guest left .*/g)).toEqual([
        'the guest left 3 on: 3 given back, 0 kept, 0 failed',
      ]);
      for (const back of ['clock GPUSYS: on → off', 'power domain GPU: on → off', 'clock rate GPC0CLK'])
        expect(journal).toContain(back);
    });
  },
);
