import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hasProgram } from '../programs.js';
import { SystemdContainer } from './container.js';
import { VmService } from './service.js';

const missing = SystemdContainer.missing();
if (missing) console.warn(`SKIPPED: needs ${missing}`);

const preload = resolve(import.meta.dirname, '../../../build/Release/gpuvm-standin-preload.so');
const hasPreload = existsSync(preload);
if (!hasPreload) console.warn(`SKIPPED: needs ${preload}; run "npm run build:addon"`);

/** Says "H" when it runs, and powers off at a press of the button. */
const guest = `machine: pc
memory: 16M
disks: [{ file: ./boot.img, interface: ide }]
ready: { when: console, marker: "H", deadline: 60s }
`;

describe.skipIf(missing !== undefined || !hasProgram('qemu-system-x86_64'))('a VM as a service', () => {
  let container: SystemdContainer;
  const services: VmService[] = [];
  beforeAll(async () => {
    container = await SystemdContainer.start();
  });
  afterEach(async () => {
    for (const service of services.splice(0)) {
      await service.systemctl('kill', '--signal=KILL', '--kill-whom=all');
      await service.systemctl('stop');
    }
  });
  afterAll(() => container?.stop());

  async function install(name: string, text: string, ...directives: string[]): Promise<VmService> {
    const service = await VmService.install(container, name, text, directives);
    services.push(service);
    return service;
  }

  it('has a unit that systemd finds nothing wrong with, and little exposed', async () => {
    const { unit } = await install('sound', guest);
    const units = [unit, 'gpuvm-recover.service', 'gpuvm-ended@.service'].map(
      (name) => `/etc/systemd/system/${name}`,
    );
    expect(await container.run('systemd-analyze', 'verify', '--man=no', ...units)).toEqual({
      status: 0,
      stdout: '',
      stderr: '',
    });
    for (const path of units) {
      // --threshold is in tenths: above 4.0 the status is 1.
      const { status, stdout } = await container.run(
        'systemd-analyze',
        'security',
        '--offline=yes',
        '--threshold=40',
        '--no-pager',
        path,
      );
      expect({ path, status, last: stdout.trim().split('\n').at(-1) }).toMatchObject({ status: 0 });
    }
  });

  it('is up when its guest is, says what it does, and powers the guest off when it is stopped', async () => {
    const service = await install('whole', guest);
    expect(await service.systemctl('start')).toMatchObject({ status: 0 });
    const [qemu] = await service.qemus();
    expect(await service.show('ActiveState', 'SubState', 'StatusText', 'NRestarts')).toEqual({
      ActiveState: 'active',
      SubState: 'running',
      StatusText: `whole: running: the guest runs (QEMU is process ${qemu})`,
      NRestarts: '0',
    });
    // The journal is written a moment later than the console was seen.
    await expect.poll(() => service.journal(), { timeout: 10_000 }).toContain('H');
    await service.systemctl('stop');
    expect(await service.show('ActiveState', 'Result', 'ExecMainStatus')).toEqual({
      ActiveState: 'inactive',
      Result: 'success',
      ExecMainStatus: '0',
    });
    expect(await service.qemus()).toEqual([]);
    expect(await service.journal()).toContain('whole: the guest shut down, as it was asked to');
  });

  it('is not up before its guest is', async () => {
    const service = await install('unready', guest.replace('"H"', '"never said"'));
    await service.systemctl('start', '--no-block');
    await service.until('StatusText', /the guest runs/);
    expect(await service.property('ActiveState')).toBe('activating');
    expect(await service.qemus()).toHaveLength(1);
  });

  it('goes down the ladder, with more time than its unit has', async () => {
    const stop = 'stop: { powerdown: 3s, quit: 1s, terminate: 1s, kill: 10s }\n';
    const service = await install('stubborn', guest + stop, 'TimeoutStopSec=2s');
    await service.systemctl('start');
    const [qemu] = await service.qemus();
    await container.get('kill', '-STOP', String(qemu));
    const stopping = service.systemctl('stop');
    expect(await service.until('StatusText', /powerdown/)).toBe(
      'stubborn: stopping: powerdown, for at most 3 s',
    );
    expect(await service.property('SubState')).toBe('stop-sigterm');
    await stopping;
    expect(await service.show('ActiveState', 'Result', 'ExecMainStatus')).toEqual({
      ActiveState: 'inactive',
      Result: 'success',
      ExecMainStatus: '5',
    });
    expect(await service.journal()).toContain('stubborn: the VM was stopped by SIGKILL');
    expect(await service.qemus()).toEqual([]);
  });

  /** Up, fed for a while, and then with one of its processes stopped until the watchdog has acted. */
  async function watchdogActs(name: string, text: string, whom: (service: VmService) => Promise<number>) {
    const service = await install(name, text, 'WatchdogSec=3s');
    await service.systemctl('start');
    const before = await service.qemus();
    await new Promise((done) => setTimeout(done, 5000));
    expect(await service.property('NRestarts')).toBe('0');
    await container.get('kill', '-STOP', String(await whom(service)));
    await service.until('NRestarts', '1');
    await service.until('ActiveState', 'active');
    expect(await service.journal()).toContain('Watchdog timeout (limit 3s)');
    return { before, after: await service.qemus(), service };
  }

  it('gets another supervisor when its own stands still, and goes on', async () => {
    const supervisor = async (service: VmService) => Number(await service.property('MainPID'));
    const { before, after, service } = await watchdogActs('hung-supervisor', guest, supervisor);
    expect(before).toHaveLength(1);
    expect(after).toEqual(before);
    await service.systemctl('stop');
    expect(await service.show('Result', 'ExecMainStatus')).toEqual({
      Result: 'success',
      ExecMainStatus: '0',
    });
  });

  it('is started anew when its QEMU stands still', async () => {
    const again = `${guest}restart: { policy: on-failure, delay: 100ms }
stop: { powerdown: 0s, quit: 0s, terminate: 0s }
`;
    const { before, service } = await watchdogActs(
      'hung-qemu',
      again,
      async (one) => (await one.qemus())[0]!,
    );
    await service.until('StatusText', /the guest runs/);
    const after = await service.qemus();
    expect(after).toHaveLength(1);
    expect(after).not.toEqual(before);
  });

  it('does not try again what no restart mends', async () => {
    const service = await install('broken', guest);
    await container.get('sed', '-i', 's/^memory:.*/memory: lots/', service.file);
    expect(await service.systemctl('start')).toMatchObject({ status: 1 });
    expect(await service.show('ActiveState', 'Result', 'ExecMainStatus', 'NRestarts')).toEqual({
      ActiveState: 'failed',
      Result: 'exit-code',
      ExecMainStatus: '78',
      NRestarts: '0',
    });
    const journal = await service.journal();
    expect(journal).toMatch(/broken\.yaml:4:9: .*memory/);
    expect(journal).not.toMatch(/\n\s+at /);
    // The unit for what failed for good was run.
    const ended = `gpuvm-ended@${service.unit}.service`;
    await expect.poll(() => container.journal(ended), { timeout: 20_000 }).toContain('Finished');
  });

  it('stays down after an end that its guest wanted', async () => {
    const service = await install('reset', `${guest}reboot: exit\n`);
    await service.systemctl('start');
    await container.get('sh', '-c', `kill -TERM ${(await service.qemus())[0]}`);
    await service.until('ActiveState', 'inactive');
    expect(await service.show('Result', 'ExecMainStatus', 'NRestarts')).toEqual({
      Result: 'success',
      ExecMainStatus: '6',
      NRestarts: '0',
    });
  });

  it('opens no device that its unit does not name', async () => {
    await container.run('mknod', '/dev/kmsg', 'c', '1', '11');
    const hook = 'hooks: { preStart: [[sh, -c, "exec 3</dev/kmsg"]] }\n';
    // Without this the node would not be there for another reason.
    const logs = ['ProtectKernelLogs=no', 'CapabilityBoundingSet=CAP_SYSLOG'];
    const service = await install('curious', guest + hook, ...logs);
    expect(await service.systemctl('start')).toMatchObject({ status: 1 });
    expect(await service.journal()).toContain('/dev/kmsg: Operation not permitted');
    const allowed = await install('allowed', guest + hook, ...logs, 'DeviceAllow=/dev/kmsg r');
    expect(await allowed.systemctl('start')).toMatchObject({ status: 0 });
  });

  it.skipIf(!hasPreload).each([
    ['as root', 'qemu: { binary: ./patched-qemu }', '0'],
    ['as another user', 'qemu: { binary: ./patched-qemu, user: nobody }', '65534'],
  ])('keeps a QEMU behind the bridge, %s, that cannot reach the device', async (_how, qemu, uid) => {
    const reports = join(container.share, `reports-${uid}`);
    mkdirSync(reports);
    chmodSync(reports, 0o777);
    chmodSync(container.share, 0o755);
    const library = join(container.share, 'standin.so');
    copyFileSync(preload, library);
    const report = join(reports, 'tally.json');
    writeFileSync(
      join(container.share, 'patched-qemu'),
      `#!/bin/sh
GPUVM_STANDIN_REPORT='${report}' GPUVM_STANDIN_COUNT=60 LD_PRELOAD='${library}' exec qemu-system-x86_64 "$@"
`,
      { mode: 0o755 },
    );
    const policy = join(container.share, 'policy.yaml');
    writeFileSync(policy, 'version: 1\nchip: tegra234\nclocks: { GPUSYS: use }\n');
    await container.run('mknod', '-m', '600', '/dev/bpmp-host', 'c', '1', '3');
    const service = await install(
      `bridged-${uid}`,
      `${qemu}\nmachine: none\nbridge: { kind: interposed }\npolicy: ${policy}\nstop: { powerdown: 0s }\n`,
      `ReadWritePaths=${reports}`,
    );
    expect(await service.systemctl('start')).toMatchObject({ status: 0 });
    const [pid] = await service.qemus();
    expect(await container.get('stat', '-c', '%u', `/proc/${pid}`)).toBe(uid);
    await expect
      .poll(() => existsSync(report) && readFileSync(report, 'utf8'), { timeout: 30_000 })
      .toContain('}');
    expect(JSON.parse(readFileSync(report, 'utf8'))).toMatchObject({ transfers: 60 });
    // In QEMU's own view of the files, with its own rights.
    const look = ['-t', String(pid), '-m', '-S', uid, '--', 'sh', '-c', 'exec 3<>/dev/bpmp-host'];
    expect(await container.run('nsenter', ...look)).toMatchObject({
      stderr: expect.stringContaining('Permission denied'),
    });
    await service.systemctl('stop');
    expect(await service.show('ActiveState', 'Result')).toEqual({
      ActiveState: 'inactive',
      Result: 'success',
    });
  });
});
