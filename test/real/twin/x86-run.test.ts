import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Finding } from '../../../src/finding.js';
import type { HostStep } from '../../../src/journal/index.js';
import { hasProgram } from '../programs.js';
import { innerGuest } from './inner-guest.js';
import type { Ended } from './inside/processes.js';
import type { Report } from './inside/report.js';
import type { Broken, Doctor } from './inside/run-case-doctor.js';
import type { KilledQemu, KilledSupervisor, RunAgain } from './inside/run-case-killed.js';
import type { Memlock, Refusals, Refused } from './inside/run-case-refused.js';
import type { Whole } from './inside/run-case-whole.js';
import type { WithoutIommu } from './inside/run-no-iommu.js';
import { X86Twin } from './x86.js';

/**
 * `gpuvm run` against a real kernel, with a stock QEMU and a Linux of its own as the guest, under KVM inside the twin. One
 * boot for all but what wants a host without an IOMMU; what there was to see is judged here.
 */
const DEADLINE_MS = 900_000;
const EDU = '0000:00:10.0';
const E1000E = '0000:00:11.0';

const inside = (name: string) => fileURLToPath(new URL(`inside/${name}`, import.meta.url));
const isAble = process.arch === 'x64' && hasProgram('qemu-system-x86_64');
if (process.arch !== 'x64') console.warn('SKIPPED: the x86 twin runs the own programs of an x86-64 machine');

/** What a case saw; fails where it could not see it. */
function sawIn<T>(twin: X86Twin, name: string): T {
  const report = twin.reported(name) as Report<T>;
  if ('error' in report) throw new Error(`in the twin: ${report.error}`);
  return report.saw;
}

describe.skipIf(!isAble)('gpuvm run on a real kernel (x86 twin)', () => {
  let twin: X86Twin;
  const saw = <T>(name: string) => sawIn<T>(twin, name);

  beforeAll(async () => {
    const { folder, kernel, initrd } = await innerGuest(inside('run-guest.c'));
    try {
      twin = await X86Twin.run({
        script: inside('run.ts'),
        files: [kernel, initrd],
        deadlineMs: DEADLINE_MS,
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  }, DEADLINE_MS + 60_000);

  describe('a VM with edu', () => {
    it('has it bound to vfio-pci, with a journal and a lock, and its group opened by QEMU', () => {
      const { before, meanwhile } = saw<Whole>('whole');
      expect(before, 'before').toEqual({ driver: null, override: '(null)\n', journals: [], locks: {} });
      expect(meanwhile, 'while it ran').toMatchObject({ driver: 'vfio-pci', override: 'vfio-pci\n' });
      expect(meanwhile.locks).toEqual({ [EDU]: `whole (${meanwhile.pid})` });
      expect(meanwhile.openers, 'who had the group open').toMatchObject([{ name: 'qemu-system-x86' }]);
      const [journal = []] = meanwhile.journals as { child?: { pid: number }; active?: boolean }[][];
      expect(journal.some(({ active }) => active)).toBe(true);
      expect(journal.map(({ child }) => child?.pid)).toContain(meanwhile.openers[0]!.pid);
    });

    it('does what was planned, step by step', () => {
      const { plan, meanwhile } = saw<Whole>('whole');
      expect(plan.status, plan.stderr).toBe(0);
      const planned = (JSON.parse(plan.stdout) as { steps: HostStep[] }).steps;
      const made = (meanwhile.journals as { do?: HostStep }[][])[0]!.flatMap((record) => record.do ?? []);
      expect(planned.map(({ id }) => id)).toEqual([`pci/${EDU}/override`, `pci/${EDU}/bind`]);
      expect(made, 'as the journal has it').toEqual(planned);
    });

    it('is used by its guest: registers, DMA both ways, an MSI', () => {
      const { ended } = saw<Whole>('whole');
      const said = ended.stdout.split(/\r*\n/).filter((line) => line.startsWith('GUEST'));
      for (const line of [
        'GUEST id 0x010000ed',
        'GUEST liveness 0xedcba987',
        'GUEST factorial 3628800',
        'GUEST msi 1',
        'GUEST waits',
      ])
        expect(said, ended.stdout + ended.stderr).toContain(line);
      expect(ended.stdout).toMatch(/^GUEST dma both-ways 0x[1-9a-f][0-9a-f]*000 0x/m);
    });

    it('ends with its guest, status 0, and the host has it back as it was', () => {
      const { before, ended, events, after } = saw<Whole>('whole');
      expect(ended.status, ended.stdout + ended.stderr).toBe(0);
      expect(events.at(-1)).toMatchObject({ event: 'end', ending: 'guest-shutdown', undone: { failed: [] } });
      expect(after, ended.stderr).toEqual(before);
    });

    it('is seen by ps and status', () => {
      const { ps, status, meanwhile } = saw<Whole>('whole');
      const qemu = meanwhile.openers[0]!.pid;
      expect(ps.people.stdout, ps.people.stderr).toMatch(new RegExp(`^whole +running +${qemu} `, 'm'));
      expect(JSON.parse(ps.json.stdout)).toMatchObject([{ name: 'whole', state: 'running', pid: qemu }]);
      expect(status.people.stdout, status.people.stderr).toContain(EDU);
      const told = { state: 'running', pid: qemu, supervisorPid: meanwhile.pid, devices: [EDU] };
      expect(JSON.parse(status.json.stdout)).toMatchObject(told);
    });

    it('is well for doctor, who knows that the VM itself has the device', () => {
      const { doctor } = saw<Whole>('whole');
      expect(doctor.status, doctor.stdout).toBe(0);
      expect(findingOf(doctor, `vfio.claim/${EDU}`)).toMatchObject({
        status: 'ok',
        what: `${EDU} is with whole, which runs`,
      });
    });

    it('keeps its device from another VM, and itself from running twice', () => {
      const { second, meanwhile } = saw<Whole>('whole');
      const taken = `is taken by VM whole (process ${meanwhile.pid})`;
      expect(second.other.status, second.other.stderr).toBe(69);
      expect(second.other.stderr).toContain(taken);
      expect(second.same.status).not.toBe(0);
      expect(second.same.stderr).toMatch(/^gpuvm: .*whole.*\n$/);
      expect(second.changed, 'changed by the second ones').toEqual([]);
      expect(second.pid, 'the first QEMU').toBe(meanwhile.openers[0]!.pid);
    });
  });

  describe("a VM with the host's network card", () => {
    it('whose QEMU is killed gives it back to e1000e, interface and all', () => {
      const { taken, ended, after, changed, qemu } = saw<KilledQemu>('killed-qemu');
      expect(taken).toMatchObject({ driver: 'vfio-pci', journals: 1, openers: [qemu] });
      expect(taken.interfaces).not.toContain('eth0');
      expect(ended.status).toBe(70);
      expect(ended.stderr).toContain('QEMU was killed by SIGKILL without a shutdown');
      expect(after).toMatchObject({ driver: 'e1000e', override: '(null)\n', journals: 0, openers: [] });
      expect(after.interfaces).toContain('eth0');
      expect(changed, ended.stderr).toEqual([]);
    });

    it('whose supervisor is killed leaves no QEMU, and a journal that recover gives the card back by', () => {
      const { left, recovered, after, remains } = saw<KilledSupervisor>('killed-supervisor');
      expect(left, 'after the kill').toMatchObject({ driver: 'vfio-pci', journals: 1, openers: [] });
      expect(recovered.status, recovered.stdout + recovered.stderr).toBe(0);
      expect(after).toMatchObject({ driver: 'e1000e', override: '(null)\n', journals: 0 });
      expect(after.interfaces).toContain('eth0');
      expect(remains, recovered.stdout).toEqual([]);
    });

    it('whose supervisor was killed is told of by run, ps and doctor until then', () => {
      const { other, ps, doctor, changed } = saw<KilledSupervisor>('killed-supervisor');
      expect(other.status).toBe(69);
      expect(lastLine(other)).toBe(
        `gpuvm: ${E1000E} was not given back by killed-supervisor, which was killed; gpuvm recover`,
      );
      expect(JSON.parse(ps.stdout)).toMatchObject([{ name: 'killed-supervisor', state: 'stale' }]);
      expect(findingOf(doctor, `vfio.claim/${E1000E}`)).toMatchObject({
        status: 'fail',
        fix: 'gpuvm recover',
      });
      expect(findingOf(doctor, 'gpuvm.journal/killed-supervisor')).toMatchObject({ status: 'warn' });
      expect(changed, 'by those').toEqual([]);
    });

    it('whose supervisor was killed can be run again at once, and stopped', () => {
      const { taken, status, stop, afterStop, ended, ps, qemu } = saw<RunAgain>('again');
      expect(ended.stderr).toContain('what a killed run left was taken back');
      expect(taken).toMatchObject({ driver: 'vfio-pci', journals: 1, openers: [qemu] });
      expect(JSON.parse(status.stdout)).toMatchObject({ state: 'running', pid: qemu, devices: [E1000E] });
      expect(stop.status, stop.stderr).toBe(0);
      expect(afterStop, 'when stop --wait came back').toEqual([]);
      expect(ended.status, ended.stderr).toBe(5);
      expect(ps.stdout + ps.stderr).not.toContain('again');
    });
  });

  describe('is refused in one line, before anything is changed,', () => {
    it.each<[keyof Refusals, RegExp]>([
      [
        'notViable',
        /IOMMU group \d+ also has 0000:00:1f\.0 \(lpc_ich\), 0000:00:1f\.2 \(ahci\) in use by the host/,
      ],
      ['absent', /there is no pci device 0000:00:19\.0: the nearest is 0000:00:10\.0/],
      ['unprivileged', /only root may bind 0000:00:10\.0 to VFIO; run gpuvm as root/],
      ['unprivilegedElsewhere', /only root may bind 0000:00:11\.0 to VFIO; run gpuvm as root/],
      ['withoutModule', /the driver vfio-pci is not loaded; modprobe vfio-pci/],
    ])('%s', (name, why) => {
      const { run, changed } = saw<Refusals>('refusals')[name] as Refused;
      expect(run.status, run.stderr).toBe(69);
      expect(run.stderr).toMatch(/^gpuvm: [^\n]+\n$/);
      expect(run.stderr).toMatch(why);
      expect(changed).toEqual([]);
    });

    it.each(['notViable', 'unprivileged', 'unprivilegedElsewhere', 'withoutModule'] as const)(
      'as its plan has said: %s',
      (name) => {
        const { plan, run } = saw<Refusals>('refusals')[name];
        expect(plan.status, plan.stderr).toBe(69);
        const { findings } = JSON.parse(plan.stdout) as { findings: Finding[] };
        const failed = findings.filter(({ status }) => status === 'fail').map(({ what }) => what);
        expect(failed, run.stderr).toHaveLength(1);
        expect(run.stderr).toContain(failed[0]);
      },
    );
  });

  describe('of somebody unprivileged, for whom root has bound the device,', () => {
    it('is refused where the nodes are not his', () => {
      const { notGiven, bind } = saw<Memlock>('memlock');
      expect(bind.status, bind.stderr).toBe(0);
      expect(notGiven.status).toBe(69);
      expect(notGiven.stderr).toMatch(
        /user 65534 may not open \/dev\/vfio\/\d+; run gpuvm as root, or: chown 65534/,
      );
    });

    it('is refused where less memory may be locked than the guest has', () => {
      const { run, plan, changed } = saw<Memlock>('memlock').tooSmall;
      const why = "VFIO pins the guest's 64 MiB, and the limit of locked memory is 1 MiB";
      expect(run.status, run.stderr).toBe(69);
      expect(lastLine(run)).toContain(why);
      expect(plan.stderr).toContain(why);
      expect(changed).toEqual([]);
    });

    it('runs where enough may be', () => {
      const { ran, ended } = saw<Memlock>('memlock').enough;
      expect(ran, ended.stdout + ended.stderr).toBe(true);
    });
  });

  describe('gpuvm doctor', () => {
    it('finds this host fit, and changes nothing', () => {
      const { host, changed } = saw<Doctor>('doctor');
      expect(host.json.status, host.json.stdout).toBe(0);
      expect(changed).toEqual([]);
      expect(failures(host.json)).toEqual([]);
      for (const [id, what] of [
        ['vfio.iommu', 'the IOMMU is on'],
        ['module.wanted/vfio_pci', 'the module vfio_pci is loaded'],
        ['module.wanted/kvm', 'the module kvm is loaded'],
        ['dev.kvm', 'root may open /dev/kvm'],
        ['kernel.parameters', 'no boot parameter is in the way'],
      ] as const)
        expect(findingOf(host.json, id)).toMatchObject({ status: 'ok', what });
    });

    it('finds a VM that it can run, with what its devices are and can', () => {
      const { vm } = saw<Doctor>('doctor');
      expect(vm.json.status, vm.json.stdout).toBe(0);
      for (const [id, status, what] of [
        ['vfio.memlock', 'ok', 'root may pin more than its limit'],
        [`vfio.driver/${EDU}`, 'ok', `${EDU} has no driver`],
        [`vfio.driver/${E1000E}`, 'ok', `e1000e has ${E1000E} and will be taken off it`],
        [`vfio.reset/${EDU}`, 'warn', `the kernel knows no way to reset ${EDU}`],
        [`vfio.reset/${E1000E}`, 'ok', `${E1000E} can be reset by pm`],
        ['qemu.accel', 'ok', 'it can use KVM'],
        ['qemu.vfio-pci', 'ok', 'it has vfio-pci'],
        ['qemu.account', 'warn', 'QEMU would run as root: a guest that breaks out of it owns the host'],
      ] as const)
        expect(findingOf(vm.json, id)).toMatchObject({ status, what });
    });

    it.each(['host', 'vm'] as const)('says the same to people and as data: %s', (which) => {
      const { people, json } = saw<Doctor>('doctor')[which];
      const amount = (status: string) => findingsOf(json).filter((one) => one.status === status).length;
      expect(people.stdout).toContain(`${amount('ok')} ok, ${amount('warn')} warning`);
      const shown = findingsOf(json).filter(({ id }) => id !== 'memory.free');
      for (const { what } of shown) expect(people.stdout).toContain(what);
    });

    it('finds the module that was taken away, and the group that the host uses', () => {
      const { vm, loaded, changed } = saw<Broken>('broken');
      expect(loaded.map(({ status }) => status)).toEqual([0, 0]);
      expect(vm.status).toBe(1);
      expect(failures(vm)).toEqual([
        'module.wanted/vfio_pci',
        'vfio.module/vfio-pci',
        expect.stringMatching(/^vfio\.viable\/\d+$/),
      ]);
      expect(findingOf(vm, 'module.wanted/vfio_pci').fix).toMatch(/^modprobe vfio_pci/);
      expect(changed).toEqual([]);
    });

    it('finds what somebody unprivileged lacks', () => {
      const { nobody } = saw<Broken>('broken');
      expect(findingOf(nobody, 'dev.kvm')).toMatchObject({
        status: 'fail',
        what: 'user 65534 may not open /dev/kvm: the guest runs on the CPU itself',
      });
      expect(findingOf(nobody, `vfio.driver/${EDU}`)).toMatchObject({
        status: 'fail',
        what: `only root may bind ${EDU} to VFIO`,
      });
    });

    it("finds what QEMU's own account lacks, and what it is given", () => {
      const { own } = saw<Broken>('broken');
      expect(findingOf(own, 'dev.kvm')).toMatchObject({
        status: 'fail',
        fix: expect.stringContaining('setfacl -m u:nobody:rw /dev/kvm'),
      });
      expect(findingOf(own, 'vfio.container').what).toBe('the account nobody may use VFIO');
      expect(findingOf(own, 'vfio.node/').what).toContain('and it is given to the account nobody then');
    });
  });

  it.each(['whole', 'killed-qemu', 'killed-supervisor', 'again', 'refusals', 'memlock', 'doctor', 'broken'])(
    'leaves the host as it was: %s',
    (name) => {
      expect((twin.reported(name) as Report<unknown>).left, 'before → after').toEqual([]);
    },
  );

  it("leaves nothing in the kernel's messages that was not asked for", () => {
    twin.reported('all');
    expect(twin.status, twin.stderr).toBe(0);
    expect(twin.console).not.toMatch(/BUG:|WARNING:|Oops|DMAR:.*fault|use-after-free/);
  });
});

describe.skipIf(!isAble)('gpuvm run on a kernel that leaves the IOMMU off (x86 twin)', () => {
  let twin: X86Twin;
  const saw = () => sawIn<WithoutIommu>(twin, 'no-iommu');

  beforeAll(async () => {
    twin = await X86Twin.run({ script: inside('run-no-iommu.ts'), iommu: 'off', deadlineMs: DEADLINE_MS });
  }, DEADLINE_MS + 60_000);

  it('is refused with what is to be done, and changes nothing', () => {
    const { run, plan, changed } = saw();
    expect(run.status, run.stderr).toBe(69);
    expect(run.stderr.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^gpuvm: the IOMMU is off, or there is none; on Intel add intel_iommu=on /),
      expect.stringMatching(`^gpuvm: ${EDU} is in no IOMMU group; switch the IOMMU on: intel_iommu=on `),
    ]);
    expect(plan.status, plan.stderr).toBe(69);
    expect(changed).toEqual([]);
  });

  it('is said by doctor to lack the IOMMU, and why', () => {
    const { host, vm } = saw();
    expect(host.status, 'without a VM it may never be needed').toBe(0);
    expect(findingOf(host, 'vfio.iommu')).toMatchObject({ status: 'warn' });
    expect(vm.status).toBe(1);
    expect(findingOf(vm, 'vfio.iommu')).toMatchObject({ status: 'fail' });
    expect(findingOf(vm, 'kernel.parameters')).toMatchObject({
      status: 'fail',
      what: 'intel_iommu=off switches the IOMMU off',
    });
  });
});

function findingsOf(doctor: Ended): Finding[] {
  return (JSON.parse(doctor.stdout) as { findings: Finding[] }).findings;
}

function findingOf(doctor: Ended, id: string): Finding {
  const findings = findingsOf(doctor);
  const found = findings.find((one) => one.id.startsWith(id));
  if (!found) throw new Error(`no finding ${id} among ${findings.map((one) => one.id).join(', ')}`);
  return found;
}

function failures(doctor: Ended): string[] {
  return findingsOf(doctor)
    .filter(({ status }) => status === 'fail')
    .map(({ id }) => id);
}

function lastLine({ stderr }: Ended): string {
  return stderr.trimEnd().split('\n').at(-1)!;
}
