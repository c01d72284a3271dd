import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Finding } from '../../../src/finding.js';
import type { ListedDevice, ListedGroup } from '../../../src/vfio/index.js';
import { hasProgram } from '../programs.js';
import type { BindAndGiveBack } from './inside/case-bind.js';
import type { InUse } from './inside/case-in-use.js';
import type { Kills } from './inside/case-kills.js';
import type { Lists } from './inside/case-lists.js';
import type { Memlock, Unprivileged } from './inside/case-rights.js';
import type { SecondVm } from './inside/case-second-vm.js';
import type { SharedGroup } from './inside/case-shared-group.js';
import type { Report } from './inside/report.js';
import { X86Twin } from './x86.js';

/**
 * Binding, journals and recovery against a real kernel with a real IOMMU. The twin makes all cases in one boot and reports
 * what there was to see; here it is judged. What the kernel itself answers (vfio-probe.c) is held against what gpuvm says.
 */
const DEADLINE_MS = 600_000;
const [EPERM, ENOMEM, EBUSY] = [1, 12, 16];
const SHARED = ['0000:00:1f.0', '0000:00:1f.2', '0000:00:1f.3'];

const inside = (name: string) => fileURLToPath(new URL(`inside/${name}`, import.meta.url));
const isAble = process.arch === 'x64' && hasProgram('qemu-system-x86_64');
if (process.arch !== 'x64') console.warn('SKIPPED: the x86 twin runs the own programs of an x86-64 machine');

describe.skipIf(!isAble)('on a real kernel (x86 twin)', () => {
  let twin: X86Twin;

  beforeAll(async () => {
    twin = await X86Twin.run({
      script: inside('binding.ts'),
      programs: [inside('vfio-probe.c')],
      files: [inside('kill-at.cjs')],
      deadlineMs: DEADLINE_MS,
    });
  }, DEADLINE_MS + 60_000);

  /** What a case saw; fails where it could not see it. */
  function saw<T>(name: string): T {
    const report = twin.reported(name) as Report<T>;
    if ('error' in report) throw new Error(`in the twin: ${report.error}`);
    return report.saw;
  }

  describe('a device without a driver and without a reset (edu)', () => {
    it('is bound through driver_override, which reads (null) before and after', () => {
      const { before, bind, bound, unbind, after } = saw<BindAndGiveBack>('edu');
      expect(before, 'before').toEqual({ driver: null, override: '(null)\n' });
      expect(bind.status, `bind: ${bind.stderr}`).toBe(0);
      expect(bound, 'bound').toEqual({ driver: 'vfio-pci', override: 'vfio-pci\n' });
      expect(unbind.status, `unbind: ${unbind.stdout}${unbind.stderr}`).toBe(0);
      expect(after, `given back: ${unbind.stdout}`).toEqual(before);
    });

    it('is usable for whoever opens its group, as was found before it was bound', () => {
      const { kernel, group, findings } = saw<BindAndGiveBack>('edu');
      expect(finding(findings, `vfio.viable/${group}`).status).toBe('ok');
      expect(kernel, 'the kernel on the group').toMatchObject({
        group: 0,
        viable: 1,
        setContainer: 0,
        setIommu: 0,
      });
      expect(kernel, 'the kernel on the device').toMatchObject({ getDevice: 0, regions: 9 });
    });

    it('has no reset method, and is warned of', () => {
      const { name, kernel, resetMethod, findings, bind } = saw<BindAndGiveBack>('edu');
      expect({ resetMethod, resettable: kernel.resettable }).toEqual({ resetMethod: null, resettable: 0 });
      expect(finding(findings, `vfio.reset/${name}`)).toMatchObject({
        status: 'warn',
        what: `the kernel knows no way to reset ${name}`,
      });
      expect(bind.stderr).toContain(`warning: the kernel knows no way to reset ${name}`);
    });
  });

  describe('a device that a driver of the host has (e1000e)', () => {
    it('is taken off its driver and given back to it, interface and all', () => {
      const { before, bind, bound, unbind, after } = saw<BindAndGiveBack>('e1000e');
      expect(before, 'before').toEqual({ driver: 'e1000e', override: '(null)\n' });
      expect(bind.status, `bind: ${bind.stderr}`).toBe(0);
      expect(bound, 'bound').toEqual({ driver: 'vfio-pci', override: 'vfio-pci\n' });
      expect(unbind.status, `unbind: ${unbind.stdout}${unbind.stderr}`).toBe(0);
      expect(after, `given back: ${unbind.stdout}`).toEqual(before);
    });

    it('has a reset method, which is named', () => {
      const { name, kernel, resetMethod, findings } = saw<BindAndGiveBack>('e1000e');
      expect(kernel.resettable, `reset_method: ${resetMethod}`).toBe(1);
      const { status, what } = finding(findings, `vfio.reset/${name}`);
      expect({ status, what }).toEqual({
        status: 'ok',
        what: `${name} can be reset by ${resetMethod!.trim()}`,
      });
    });

    it('needs nothing more once it is bound', () => {
      const { again, journals } = saw<BindAndGiveBack>('e1000e');
      expect(again.stdout + again.stderr).toContain('nothing to do');
      expect(journals, 'journals while it was bound').toBe(1);
    });
  });

  describe('a group of three functions, each with a driver of the host', () => {
    it('is refused for one of them, with the others and their drivers named', () => {
      const { one, before } = saw<SharedGroup>('shared-group');
      expect(before).toEqual(['lpc_ich', 'ahci', 'i801_smbus']);
      expect(one.status, one.stdout).toBe(69);
      expect(one.stderr).toContain('0000:00:1f.0 (lpc_ich), 0000:00:1f.2 (ahci) in use by the host');
    });

    it('would indeed not have been given by the kernel', () => {
      const { forced, oneOfThree } = saw<SharedGroup>('shared-group');
      expect(forced, 'binding one of them by hand').toEqual([null, null, null, null]);
      expect(oneOfThree.drivers).toEqual(['lpc_ich', 'ahci', 'vfio-pci']);
      expect(oneOfThree.kernel, 'the kernel').toMatchObject({ group: 0, viable: 0, setContainer: EPERM });
      expect(oneOfThree.gpuvm, 'gpuvm calls it usable').toBe(false);
    });

    it.each(['othersIdle', 'withStub', 'allBound'] as const)(
      'is judged as the kernel judges it: %s',
      (state) => {
        const { gpuvm, kernel, drivers } = saw<SharedGroup>('shared-group')[state];
        expect(kernel, `the kernel, with ${drivers.join(', ')}`).toMatchObject({
          viable: 1,
          setContainer: 0,
        });
        expect(gpuvm, `gpuvm, with ${drivers.join(', ')}`).toBe(true);
      },
    );

    it('is judged so with a member that the stub really has', () => {
      const { stubbed, withStub } = saw<SharedGroup>('shared-group');
      expect(stubbed, 'giving it to pci-stub by hand').toEqual([null, null, null, null]);
      expect(withStub.drivers).toEqual(['pci-stub', null, 'vfio-pci']);
    });

    it('is bound whole, and each goes back to its own driver', () => {
      const { all, unbind, before, after, home } = saw<SharedGroup>('shared-group');
      expect(
        home.filter((errno) => errno !== null),
        'back by hand',
      ).toEqual([]);
      expect(all.status, all.stderr).toBe(0);
      expect(unbind.status, unbind.stdout + unbind.stderr).toBe(0);
      expect(after, unbind.stdout).toEqual(before);
    });
  });

  describe('gpuvm devices', () => {
    it('lists the drivers and groups that sysfs has', () => {
      const { devices, kernel, people, e1000e } = saw<Lists>('lists');
      const listed = (JSON.parse(devices.stdout) as { devices: ListedDevice[] }).devices;
      expect(Object.fromEntries(listed.map(({ name, driver, group }) => [name, { driver, group }]))).toEqual(
        kernel.drivers,
      );
      expect(people.devices.stdout).toMatch(new RegExp(`^${e1000e} +pci +\\d+ +e1000e `, 'm'));
    });

    it('groups has the members that sysfs has, and calls usable what has no driver of the host', () => {
      const { groups, kernel, people, edu, e1000e } = saw<Lists>('lists');
      const listed = (JSON.parse(groups.stdout) as { groups: ListedGroup[] }).groups;
      const members = listed.map(({ group, members }) => [group, members.map(({ name }) => name)]);
      expect(Object.fromEntries(members)).toEqual(kernel.groups);
      const viable = (name: string) =>
        listed.find(({ members }) => members.some((one) => one.name === name))?.viable;
      expect({ edu: viable(edu), e1000e: viable(e1000e) }).toEqual({ edu: true, e1000e: false });
      for (const name of SHARED) expect(people.groups.stdout).toContain(name);
    });
  });

  describe('a device that is in use', () => {
    it('has its holder named by findings and list, and a second opener gets EBUSY', () => {
      const { holder, second, number, findings, listed } = saw<InUse>('in-use');
      expect(second.group, 'opening the group a second time').toBe(EBUSY);
      const found = finding(findings, 'vfio.holders/');
      expect(found).toMatchObject({ status: 'fail' });
      expect(found.what).toMatch(`is in use by vfio-probe (process ${holder})`);
      const devices = (JSON.parse(listed.stdout) as { devices: ListedDevice[] }).devices;
      expect(devices.find(({ group }) => group === number)?.holders).toEqual([`vfio-probe (${holder})`]);
    });

    it('is not taken off VFIO under its holder, who is named', () => {
      const { refused, holder, number, still } = saw<InUse>('in-use');
      expect(why(refused)).toContain(
        `vfio-probe (process ${holder}) has /dev/vfio/${number} open: end that first`,
      );
      expect(still).toBe('vfio-pci');
    });

    it('holds up the kernel for one who has the device alone, who is named too, and is given back after', () => {
      const { findingsOfDevice, hung, deviceHolder, restored, after } = saw<InUse>('in-use');
      const found = finding(findingsOfDevice, 'vfio.holders/');
      expect(found).toMatchObject({ status: 'warn' });
      expect(found.what).toContain(`vfio-probe (process ${deviceHolder}) has a VFIO device open`);
      const reasons = why(hung);
      expect(reasons).toMatch(/has hung in the kernel for 5 s \(.*vfio_unregister_group_dev/);
      expect(reasons).toContain(
        `vfio-probe (process ${deviceHolder}) has a VFIO device open, maybe this one`,
      );
      expect(restored.ok, JSON.stringify(restored)).toBe(true);
      expect(after).toBeNull();
    });
  });

  describe('rights', () => {
    it('are missing to somebody unprivileged, who is told, and changes nothing', () => {
      const { listed, refused, refusedElsewhere, untouched } = saw<Unprivileged>('unprivileged');
      expect(listed.status, listed.stderr).toBe(0);
      for (const { status, stderr } of [refused, refusedElsewhere]) {
        expect(status, stderr).toBe(69);
        expect(stderr).toContain('only root may bind 0000:00:10.0 to VFIO; run gpuvm as root');
      }
      expect(untouched).toBeNull();
    });

    it("are given to QEMU's account for as long as the device is bound, and are enough for it", () => {
      const { node, kernel, restored, nodes } = saw<Unprivileged>('unprivileged');
      expect(node, 'the node of the group').toEqual({ uid: 65534, mode: '600' });
      expect(kernel, 'the kernel, asked by that account').toMatchObject({
        group: 0,
        setIommu: 0,
        getDevice: 0,
      });
      expect(restored.ok, JSON.stringify(restored)).toBe(true);
      expect(nodes, '/dev/vfio afterwards').toEqual(['vfio']);
    });

    it('to pin memory are found wanting where the kernel says ENOMEM', () => {
      const { findings, kernel } = saw<Memlock>('memlock');
      expect(kernel.tooMuch.mapDma, 'mapping 1 MiB with a limit of 64 KiB').toBe(ENOMEM);
      expect(finding(findings, 'vfio.memlock')).toMatchObject({ status: 'fail' });
    });

    it('to pin memory are there up to the limit, and for root beyond it', () => {
      const { kernel } = saw<Memlock>('memlock');
      expect({ atTheLimit: kernel.asMuch.mapDma, root: kernel.root.mapDma }).toEqual({
        atTheLimit: 0,
        root: 0,
      });
    });
  });

  it('keeps a device from a second VM, from unbind and from recover while a VM has it', () => {
    const { pid, findings, listed, bind, unbind, recovered, meanwhile, restored, after } =
      saw<SecondVm>('second-vm');
    expect(finding(findings, 'vfio.claim/')).toMatchObject({ status: 'fail' });
    expect(bind.stderr).toContain(`is taken by VM first (process ${pid})`);
    expect(unbind.stderr).toContain('is taken by VM first');
    expect(JSON.parse(recovered.stdout).journals).toMatchObject([{ vm: 'first', state: 'alive' }]);
    expect(
      (JSON.parse(listed.stdout) as { devices: ListedDevice[] }).devices.filter(({ vm }) => vm === 'first'),
    ).toHaveLength(1);
    expect(meanwhile).toBe('vfio-pci');
    expect(restored.ok, JSON.stringify(restored)).toBe(true);
    expect(after).toBeNull();
  });

  it('is put right by gpuvm recover after kill -9 of gpuvm devices bind at each journalled step', () => {
    const { undisturbed, lives } = saw<Kills>('kills');
    expect(undisturbed.status, undisturbed.stderr).toBe(0);
    const moments = lives.map(({ moment }) => moment);
    for (const step of ['unbind', 'override', 'bind'])
      expect(moments).toContain(`once do "pci/0000:00:11.0/${step}" is on the disk`);
    for (const { moment, signal, found, recovered, unbind, left } of lives) {
      expect(signal, `killed ${moment}`).toBe('SIGKILL');
      const story = `killed ${moment}; found ${JSON.stringify(found)}; ${JSON.stringify({ recovered, unbind })}`;
      expect(left, story).toEqual([]);
    }
    // What was only announced has not been made yet.
    const announced = (step: string) =>
      lives.find(({ moment }) => moment.startsWith(`once do "pci/0000:00:11.0/${step}"`));
    expect(announced('unbind')?.found).toEqual({ driver: 'e1000e', override: '(null)\n' });
    expect(announced('override')?.found).toEqual({ driver: null, override: '(null)\n' });
    expect(announced('bind')?.found).toEqual({ driver: null, override: 'vfio-pci\n' });
    // At some of them there was something to put right, else the moments are not those that they are called.
    expect(new Set(lives.map(({ found }) => found.driver))).toEqual(new Set(['e1000e', null, 'vfio-pci']));
  });

  it.each([
    'edu',
    'e1000e',
    'shared-group',
    'lists',
    'in-use',
    'unprivileged',
    'memlock',
    'second-vm',
    'kills',
  ])('leaves the host as it was: %s', (name) => {
    expect((twin.reported(name) as Report<unknown>).left, 'before → after').toEqual([]);
  });

  it("leaves nothing in the kernel's messages that was not asked for", () => {
    twin.reported('all');
    expect(twin.status, twin.stderr).toBe(0);
    expect(twin.console).not.toMatch(/BUG:|WARNING:|Oops|DMAR:.*fault|use-after-free/);
  });
});

function finding(findings: readonly Finding[], id: string): Finding {
  const found = findings.find((one) => one.id.startsWith(id));
  if (!found) throw new Error(`no finding ${id} among ${findings.map((one) => one.id).join(', ')}`);
  return found;
}

function why({ steps }: { readonly steps: readonly { readonly why?: string }[] }): string {
  return steps.map((step) => step.why ?? '').join('\n');
}
