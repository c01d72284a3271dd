import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Finding } from '../../src/finding.js';
import {
  checkDevices,
  type DeviceRequest,
  listDevices,
  listGroups,
  type VfioHost,
} from '../../src/vfio/index.js';
import { addProcess, buildFakeHost, type FakeDevice, link, referenceDevices } from './fake-host.js';

const roots: string[] = [];
afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true, force: true });
});

function newHost(devices: readonly FakeDevice[] = referenceDevices): string {
  const root = buildFakeHost({ devices });
  roots.push(root);
  return root;
}

const gpu: DeviceRequest = { bus: 'platform', name: '17000000.gpu' };
const card: DeviceRequest = { bus: 'pci', name: '0000:01:00.0' };
const GIB = 1024n ** 3n;

async function find(
  sysroot: string,
  id: string,
  requests = [gpu],
  host: VfioHost = {},
): Promise<Finding | undefined> {
  const findings = await checkDevices(requests, { sysroot, ...host });
  for (const { what, evidence } of findings) {
    expect(what).not.toMatch(/\.$|undefined/);
    expect(evidence).not.toBe('');
  }
  // What fails says what mends it.
  for (const { status, fix } of findings) if (status === 'fail') expect(fix).toMatch(/\S/);
  return findings.find((finding) => finding.id === id);
}

/** Each row breaks a host in one way; the finding must say so. */
const mistakes: [
  name: string,
  id: string,
  status: Finding['status'],
  what: RegExp,
  fix: RegExp,
  spoil: (root: string) => void,
  requests?: DeviceRequest[],
  host?: VfioHost,
][] = [
  [
    'a missing device',
    'vfio.present/17000000.gpuu',
    'fail',
    /the nearest is 17000000\.gpu/,
    /overlay/,
    () => {},
    [{ ...gpu, name: '17000000.gpuu' }],
  ],
  [
    'a PCI name without its domain',
    'vfio.present/01:00.0',
    'fail',
    /the nearest is 0000:01:00\.0/,
    /lspci/,
    () => {},
    [{ bus: 'pci', name: '01:00.0' }],
  ],
  [
    'a name that is a path',
    'vfio.present/../x',
    'fail',
    /no platform device/,
    /overlay/,
    () => {},
    [{ ...gpu, name: '../x' }],
  ],
  [
    'no IOMMU group',
    'vfio.group/17000000.gpu',
    'fail',
    /in no IOMMU group/,
    /iommus/,
    (root) => rmSync(join(root, 'sys/devices/platform/17000000.gpu/iommu_group')),
  ],
  [
    'no IOMMU group although its driver was tried',
    'vfio.group/17000000.gpu',
    'fail',
    /in no IOMMU group/,
    /iommus/,
    (root) => {
      rmSync(join(root, 'sys/devices/platform/17000000.gpu/iommu_group'));
      mkdirSync(join(root, 'sys/devices/platform/17000000.gpu/of_node'));
      writeFileSync(join(root, 'sys/devices/platform/17000000.gpu/of_node/iommus'), 'abcd1234');
    },
  ],
  [
    'no IOMMU',
    'vfio.iommu',
    'fail',
    /IOMMU is off/,
    /intel_iommu=on/,
    (root) => rmSync(join(root, 'sys/kernel/iommu_groups'), { recursive: true }),
  ],
  [
    'an IOMMU with nothing behind it',
    'vfio.iommu',
    'fail',
    /no device is behind it/,
    /iommu/,
    (root) => {
      rmSync(join(root, 'sys/kernel/iommu_groups'), { recursive: true });
      mkdirSync(join(root, 'sys/class/iommu/smmu3.0'), { recursive: true });
    },
  ],
  [
    'others of the group in use',
    'vfio.viable/2',
    'fail',
    /0000:01:00\.1 \(snd_hda_intel\), 0000:01:00\.2 \(xhci_hcd\)/,
    /pciDevices/,
    () => {},
    [card],
  ],
  [
    'no driver of VFIO',
    'vfio.module/vfio-platform',
    'fail',
    /vfio-platform is not loaded/,
    /modprobe vfio-platform/,
    (root) => rmSync(join(root, 'sys/bus/platform/drivers/vfio-platform'), { recursive: true }),
  ],
  [
    'no VFIO',
    'vfio.container',
    'fail',
    /VFIO is not loaded/,
    /modprobe vfio/,
    (root) => rmSync(join(root, 'dev/vfio/vfio')),
  ],
  [
    'VFIO without groups',
    'vfio.container',
    'fail',
    /VFIO has no groups/,
    /CONFIG_VFIO_GROUP/,
    (root) => {
      rmSync(join(root, 'dev/vfio/vfio'));
      mkdirSync(join(root, 'sys/class/vfio-dev'), { recursive: true });
    },
  ],
  [
    'VFIO for root alone',
    'vfio.container',
    'fail',
    /qemu may not open/,
    /chmod 0666/,
    (root) => chmodSync(join(root, 'dev/vfio/vfio'), 0o600),
    [gpu],
    { account: { name: 'qemu', uid: 65000, gids: [65000] } },
  ],
  [
    'a reset that VFIO wants and nobody has',
    'vfio.reset/17000000.gpu',
    'fail',
    /no reset driver.*wants one/,
    /reset_required=0/,
    (root) => writeFileSync(join(root, 'sys/module/vfio_platform/parameters/reset_required'), 'Y\n'),
  ],
  [
    'a reset that the VM file wants',
    'vfio.reset/17000000.gpu',
    'fail',
    /must be reset between guests/,
    /resetRequired/,
    () => {},
    [{ ...gpu, resetRequired: true }],
  ],
  [
    'a reset driver that is not loaded',
    'vfio.reset/17000000.gpu',
    'warn',
    /not loaded/,
    /modprobe vfio-platform-amdxgbe/,
    (root) => {
      mkdirSync(join(root, 'sys/devices/platform/17000000.gpu/of_node'));
      writeFileSync(
        join(root, 'sys/devices/platform/17000000.gpu/of_node/compatible'),
        'amd,xgbe-seattle-v1a\0',
      );
    },
  ],
  [
    'a PCI function without a reset',
    'vfio.reset/0000:01:00.0',
    'warn',
    /no way to reset/,
    /lspci/,
    (root) => writeFileSync(join(root, 'sys/devices/pci/0000:01:00.0/reset_method'), '\n'),
    [card],
  ],
  [
    'a process with the group open',
    'vfio.holders/17000000.gpu',
    'fail',
    /in use by qemu \(process 77\)/,
    /kill 77/,
    (root) => addProcess(root, 77, 'qemu', ['/dev/vfio/13']),
  ],
  [
    'a process with the device open by its own node, which the kernel is taking away',
    'vfio.holders/17000000.gpu',
    'fail',
    /in use by node \(process 77\)/,
    /kill 77/,
    (root) => {
      mkdirSync(join(root, 'sys/devices/platform/17000000.gpu/vfio-dev/vfio3'), { recursive: true });
      writeFileSync(
        join(root, 'sys/devices/platform/17000000.gpu/vfio-dev/vfio3/uevent'),
        'MAJOR=243\nMINOR=3\nDEVNAME=vfio/devices/vfio3\n',
      );
      writeFileSync(join(root, 'sys/devices/platform/17000000.gpu/vfio-dev/vfio3/dev'), '243:3\n');
      addProcess(root, 77, 'node', ['/dev/vfio/devices/vfio3 (deleted)']);
    },
  ],
  [
    'a process with some VFIO device open, and no group',
    'vfio.holders/15540000.nvjpg',
    'warn',
    /passed-on \(process 78\) has a VFIO device open, maybe 15540000\.nvjpg/,
    /kill 78/,
    (root) => {
      addProcess(root, 77, 'qemu', ['/dev/vfio/13', 'anon_inode:[vfio-device]']);
      addProcess(root, 78, 'passed-on', ['anon_inode:[vfio-device]']);
    },
    [{ bus: 'platform', name: '15540000.nvjpg' }],
  ],
  [
    "a process with the driver's node open",
    'vfio.holders/17000000.gpu',
    'fail',
    /Xorg \(process 88\)/,
    /kill 88/,
    (root) => {
      mkdirSync(join(root, 'sys/devices/platform/17000000.gpu/drm/card0'), { recursive: true });
      writeFileSync(
        join(root, 'sys/devices/platform/17000000.gpu/drm/card0/uevent'),
        'MAJOR=226\nDEVNAME=dri/card0\n',
      );
      writeFileSync(join(root, 'sys/devices/platform/17000000.gpu/drm/card0/dev'), '226:0\n');
      addProcess(root, 88, 'Xorg', ['/dev/dri/card0', '/dev/null']);
    },
  ],
  [
    'modules on top of the driver',
    'vfio.holders/17000000.gpu',
    'warn',
    /used by the modules nvidia_drm/,
    /modprobe -r nvidia_drm/,
    (root) => {
      mkdirSync(join(root, 'sys/module/gk20a/holders/nvidia_drm'), { recursive: true });
      link(root, 'sys/bus/platform/drivers/gk20a-dummy/module', 'sys/module/gk20a');
    },
  ],
  [
    'devices that need it',
    'vfio.consumers/17000000.gpu',
    'warn',
    /15340000\.vic \(tegra-vic\)/,
    /unbind/,
    (root) => mkdirSync(join(root, 'sys/devices/platform/17000000.gpu/consumer:platform:15340000.vic')),
  ],
  [
    'a driver that does not let go',
    'vfio.driver/17000000.gpu',
    'fail',
    /cannot be taken off/,
    /blacklist/,
    (root) => rmSync(join(root, 'sys/bus/platform/drivers/gk20a-dummy/unbind')),
  ],
  [
    'a kernel without overrides',
    'vfio.driver/17000000.gpu',
    'fail',
    /cannot bind/,
    /kernel/,
    (root) => rmSync(join(root, 'sys/devices/platform/17000000.gpu/driver_override')),
  ],
  [
    'a limit below the guest’s memory',
    'vfio.memlock',
    'fail',
    /pins the guest's 4 GiB, and the limit of locked memory is 8 MiB/,
    /LimitMEMLOCK=infinity/,
    () => {},
    [gpu],
    { memory: { guestBytes: 4n * GIB, limitBytes: 8n * 1024n ** 2n } },
  ],
  [
    'a limit of this process that is too low',
    'vfio.memlock',
    'fail',
    /8 MiB/,
    /ulimit -l/,
    (root) => {
      mkdirSync(join(root, 'proc/self'));
      writeFileSync(
        join(root, 'proc/self/limits'),
        'Max locked memory         8388608              8388608              bytes     \n',
      );
      writeFileSync(join(root, 'proc/self/status'), 'CapEff:\t0000000000000000\n');
    },
    [gpu],
    { memory: { guestBytes: 4n * GIB } },
  ],
];

describe('checks', () => {
  it.each(mistakes)('find %s', async (_name, id, status, what, fix, spoil, requests = [gpu], host = {}) => {
    const root = newHost();
    spoil(root);
    expect(await find(root, id, requests, host)).toMatchObject({
      status,
      what: expect.stringMatching(what),
      fix: expect.stringMatching(fix),
    });
  });

  it('find nothing on a good host, and say how they know', async () => {
    const findings = await checkDevices(
      [
        gpu,
        { bus: 'platform', name: '80000000.vm_cma_p' },
        ...[0, 1, 2].map((at) => ({ ...card, name: `0000:01:00.${at}` })),
      ],
      { sysroot: newHost(), memory: { guestBytes: 4n * GIB, limitBytes: 'infinity' } },
    );
    expect(findings.filter(({ status }) => status !== 'ok')).toEqual([]);
    expect(new Set(findings.map(({ id }) => id)).size).toBe(findings.length);
  });

  it('say nothing where no device is asked for', async () => {
    expect(await checkDevices([], { sysroot: '/nowhere' })).toEqual([]);
  });

  it('leave root with CAP_IPC_LOCK its memory', async () => {
    const root = newHost();
    mkdirSync(join(root, 'proc/self'));
    writeFileSync(
      join(root, 'proc/self/limits'),
      'Max locked memory         8388608              8388608              bytes     \n',
    );
    writeFileSync(join(root, 'proc/self/status'), 'CapEff:\t000001ffffffffff\n');
    const finding = await find(root, 'vfio.memlock', [gpu], { memory: { guestBytes: 4n * GIB } });
    expect(finding).toMatchObject({ status: 'ok' });
  });
});

describe('lists', () => {
  it('have the devices with driver, group and who has them open', () => {
    const sysroot = newHost();
    addProcess(sysroot, 77, 'qemu', ['/dev/vfio/17', '/dev/vfio/17']);
    const devices = listDevices({ sysroot });
    expect(devices).toHaveLength(referenceDevices.length);
    expect(devices.find(({ name }) => name === '15540000.nvjpg')).toEqual({
      name: '15540000.nvjpg',
      bus: 'platform',
      driver: 'vfio-platform',
      group: '17',
      behindIommu: true,
      holders: ['qemu (77)'],
      vm: null,
    });
  });

  it('have the groups, and which of them a VM could have', () => {
    const groups = listGroups({ sysroot: newHost() });
    expect(groups.map(({ group }) => group)).toEqual([
      '2',
      '10',
      '11',
      '12',
      '13',
      '14',
      '15',
      '16',
      '17',
      '18',
      '19',
    ]);
    expect(groups.filter(({ viable }) => viable).map(({ group }) => group)).toEqual([
      '10',
      '11',
      '12',
      '14',
      '17',
      '18',
    ]);
    expect(groups[0]!.members.map(({ name }) => name)).toEqual([
      '0000:00:01.0',
      '0000:01:00.0',
      '0000:01:00.1',
      '0000:01:00.2',
    ]);
  });

  it('are empty where there is no sysfs', () => {
    expect(listDevices({ sysroot: '/nowhere' })).toEqual([]);
    expect(listGroups({ sysroot: '/nowhere' })).toEqual([]);
  });
});
