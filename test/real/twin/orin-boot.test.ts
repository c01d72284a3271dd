import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { addon } from '../../../src/native/index.js';
import { hasProgram } from '../programs.js';
import { REFERENCE } from './inside/orin-reference.js';
import { OrinTwin } from './orin.js';

/**
 * That the Orin twin is the host that the other tests take it for: its devices' names and groups, what answers at their
 * addresses, its KVM, its gpuvm. The twin sees, here it is judged.
 */
const DEADLINE_MS = 400_000;
const root = fileURLToPath(new URL('../../../', import.meta.url));
const inside = (name: string) => fileURLToPath(new URL(`inside/${name}`, import.meta.url));

const isAble = process.arch === 'arm64' || hasProgram('aarch64-linux-gnu-g++');

interface Said {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

describe.skipIf(!isAble)('the Orin twin', () => {
  let twin: OrinTwin;

  beforeAll(async () => {
    twin = await OrinTwin.run({ script: inside('orin-boot.ts'), deadlineMs: DEADLINE_MS });
  }, DEADLINE_MS + 300_000);

  function saw<T>(name: string): T {
    const report = twin.reported(name) as { saw: T } | { error: string };
    if ('error' in report) throw new Error(`in the twin: ${report.error}`);
    return report.saw;
  }

  interface Host {
    readonly arch: string;
    readonly release: string;
    readonly twin: string;
    readonly compatible: readonly string[];
    readonly now: number;
    readonly platform: readonly string[];
    readonly pci: Readonly<Record<string, { ids: string; group: string | null }>>;
    readonly memory: readonly string[];
    readonly modules: readonly string[];
  }

  describe('its kernel', () => {
    it('is an arm64 one, on a tree of a Tegra234', () => {
      const { arch, release, twin, compatible, now } = saw<Host>('host');
      expect({ arch, twin }).toEqual({ arch: 'arm64', twin: 'orin' });
      expect(release).toMatch(/^6\.1\..*-arm64$/);
      expect(compatible).toContain('nvidia,tegra234');
      expect(Math.abs(now - Date.now()), 'its clock is off by ms').toBeLessThan(DEADLINE_MS);
    });

    it("has the reference VM's devices under their names", () => {
      expect(saw<Host>('host').platform).toEqual(expect.arrayContaining([...REFERENCE]));
    });

    it('keeps off the memory of the carve-outs', () => {
      const { memory } = saw<Host>('host');
      for (const range of ['60000000-63ffffff', '80000000-afffffff', '100000000-1ffffffff'])
        expect(memory).toContain(`${range} : reserved`);
    });

    it('has PCI devices behind the same SMMU', () => {
      const { pci } = saw<Host>('host');
      expect(pci['0000:00:10.0']?.ids, 'edu').toBe('1234:11e8');
      expect(pci['0000:00:11.0']?.ids, 'e1000e').toBe('8086:10d3');
      expect(pci['0000:00:11.0']?.group, 'the group of e1000e, which has its driver').toMatch(/^\d+$/);
      expect(Object.keys(pci), "the GPU's registers, as a PCI device").not.toContain('0000:00:16.0');
    });

    it('finds each module of ours, and vfio-platform', () => {
      expect(saw<Host>('host').modules).toEqual(
        expect.arrayContaining([
          'bpmp-host.ko',
          'gpuvm-dummy-reset.ko',
          'gpuvm-hang.ko',
          'vfio-platform-base.ko',
          'vfio-platform.ko',
        ]),
      );
    });

    it('says nothing of an oops, a fault or a device that failed', () => {
      expect(twin.status, twin.stderr).toBe(0);
      expect(twin.console).not.toMatch(/BUG:|WARNING:|Oops|Unable to handle|event 0x|cannot load/);
    });
  });

  describe('its SMMU', () => {
    interface Bound {
      readonly refused: string | null;
      readonly driver: string | null;
      readonly group: string | null;
      readonly members: readonly string[];
      readonly node: boolean;
    }

    it.each([...REFERENCE, '9010000.pl031', 'a000000.virtio_mmio'])(
      'gives %s a group of its own, with a node for VFIO',
      (name) => {
        const bound = saw<Record<string, Bound>>('groups')[name];
        expect(bound).toMatchObject({ refused: null, driver: 'vfio-platform', members: [name], node: true });
      },
    );

    it.each([
      ['13100000.no_iommu', 'EINVAL', 'has no iommus'],
      ['13200000.no_reset', 'ENOENT', 'has no reset driver'],
      ['13310000.two_of_two', 'EINVAL', 'has a stream that another device has'],
    ])('has %s refused with %s, which %s', (name, errno) => {
      const bound = saw<Record<string, Bound>>('groups')[name];
      expect(bound).toMatchObject({ refused: errno, driver: null, node: false });
    });
  });

  describe('at their addresses', () => {
    type Registers = Record<string, { value: string; status: number | null; signal: string | null }>;

    it("the GPU has edu's registers", () => {
      const { gpu, gpuLive } = saw<Registers>('registers');
      expect([gpu?.value, gpuLive?.value]).toEqual(['0x010000ED', '0xEDCBA987']);
    });

    it('the other engines have memory', () => {
      const { host1x, vic, nvdec, nvjpg, display, gpuSecond } = saw<Registers>('registers');
      expect([host1x, vic, nvdec, nvjpg, display, gpuSecond].map((one) => one?.value)).toEqual([
        '0xCAFE0001',
        '0xCAFE0002',
        '0xCAFE0003',
        '0xCAFE0004',
        '0xCAFE0005',
        '0xCAFE0006',
      ]);
    });

    it('the DCE has nothing, and whoever touches it gets SIGBUS', () => {
      expect(saw<Registers>('registers').dce).toMatchObject({ value: '', signal: 'SIGBUS' });
    });
  });

  it('has KVM', () => {
    const { status, stdout, stderr } = saw<Said>('kvm');
    expect(status, stderr).toBe(0);
    expect(stdout).toContain('kvm support: enabled');
  });

  describe('in it, gpuvm', () => {
    it('runs, and knows the devices of this kernel', () => {
      const { version, devices } = saw<{ version: Said; devices: Said }>('gpuvm');
      expect(version.status, version.stderr).toBe(0);
      expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
      expect(devices.status, devices.stderr).toBe(0);
      const listed = (JSON.parse(devices.stdout) as { devices: { name: string; driver: string }[] }).devices;
      expect(listed).toContainEqual(expect.objectContaining({ name: '0000:00:11.0', driver: 'e1000e' }));
    });

    it('shows the firmware behind /dev/bpmp-host, and traces a program that asks it', () => {
      const { before, traced, after } =
        saw<Readonly<Record<'before' | 'traced' | 'after', Said>>>('firmware');
      expect(before.status, before.stderr).toBe(0);
      expect(JSON.parse(before.stdout)).toMatchObject({ name: 'GPUSYS', enabled: false });
      expect(traced.status, traced.stderr).toBe(0);
      expect(traced.stdout).toMatch(/^\S+ allow {4}CLK ENABLE GPUSYS \(304\) → 0 {2}[\d.]+ [µm]s\n$/);
      expect(JSON.parse(after.stdout)).toMatchObject({ name: 'GPUSYS', enabled: true });
    });

    it('has an addon that is the same for this processor', () => {
      const ours = Object.fromEntries(Object.entries(addon()).map(([name, it]) => [name, typeof it]));
      expect(saw('addon-exports')).toEqual(ours);
    });

    it('has an addon that signals, shares memory, ends a process and locks a file', () => {
      expect(saw('eventfd')).toEqual({ unsignalled: 0, signalled: 2, afterClose: 'EBADF' });
      expect(saw('memfd')).toMatchObject({
        pageSize: 4096,
        seen: 0xa5,
        maintains: [true, true],
        kept: 0xa5,
      });
      expect(saw('pidfd')).toEqual({ alive: 'none', woken: 'readable', signal: 'SIGKILL', gone: 'ESRCH' });
      expect(saw('file-lock')).toEqual([true, false, true]);
    });

    it('has a wrapper whose filter is that of this processor', () => {
      expect(saw<Said>('exec-wrapper')).toMatchObject({ status: 0, stdout: 'aarch64\n' });
    });
  });

  it('leaves the checkout as it is', () => {
    expect(saw('checkout')).toBe('inside');
    expect(existsSync(join(root, 'written-in-a-twin'))).toBe(false);
  });
});
