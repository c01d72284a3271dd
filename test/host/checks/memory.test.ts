import { afterAll, describe, expect, it } from 'vitest';
import { cpuList } from '../../../src/host/checks/cpus.js';
import { cleanUp, say } from './tree.js';

afterAll(cleanUp);

const GIB = 1n << 30n;
const memory = (availableGib: number, totalGib = 32) => ({
  'proc/meminfo': `MemTotal:       ${totalGib * 1048576} kB\nMemAvailable:   ${availableGib * 1048576} kB\nHugepagesize:       2048 kB\n`,
});

describe('memory.free', () => {
  it('is well where there is enough', async () => {
    expect(await say('memory.free', memory(8), { guestBytes: 4n * GIB, pciDevices: true })).toMatchObject([
      { status: 'ok', what: '8 GiB of memory are available; the guest has 4 GiB, which VFIO pins' },
    ]);
    expect(await say('memory.free', memory(8))).toMatchObject([{ status: 'ok' }]);
  });

  it.each([
    ['fails where VFIO would pin it', 32, true, 'fail'],
    ['warns where it is taken as it is touched', 32, false, 'warn'],
    ['fails where the host has not even as much', 3, false, 'fail'],
  ])('%s', async (_what, total, pciDevices, status) => {
    expect(await say('memory.free', memory(2, total), { guestBytes: 4n * GIB, pciDevices })).toMatchObject([
      { status, fix: expect.stringMatching(/lower memory/) },
    ]);
  });

  it('leaves room for QEMU itself', async () => {
    expect(await say('memory.free', memory(4), { guestBytes: 4n * GIB, pciDevices: true })).toMatchObject([
      { status: 'fail' },
    ]);
  });

  it('is about huge pages elsewhere, and warns where nothing is known', async () => {
    expect(await say('memory.free', memory(1), { guestBytes: 4n * GIB, hugepages: {} })).toEqual([]);
    expect(await say('memory.free', {}, {})).toMatchObject([{ status: 'warn' }]);
  });
});

describe('memory.hugepages', () => {
  const pool = (size: number, total: number, free: number, reserved = 0) => {
    const folder = `sys/kernel/mm/hugepages/hugepages-${size}kB`;
    return {
      ...memory(8),
      [`${folder}/nr_hugepages`]: `${total}\n`,
      [`${folder}/free_hugepages`]: `${free}\n`,
      [`${folder}/resv_hugepages`]: `${reserved}\n`,
    };
  };
  const needs = (hugepages: object) => ({ guestBytes: 4n * GIB, hugepages });

  it("is well with enough pages of the host's size, or of the one asked for", async () => {
    expect(await say('memory.hugepages', pool(2048, 2048, 2048), needs({}))).toMatchObject([
      { status: 'ok' },
    ]);
    expect(await say('memory.hugepages', pool(1048576, 4, 4), needs({ sizeBytes: GIB }))).toMatchObject([
      { status: 'ok', what: '4 GiB are 4 huge pages of 1 GiB, and 4 are free' },
    ]);
  });

  it('fails with too few, and counts what others have reserved', async () => {
    const said = await say('memory.hugepages', pool(1048576, 6, 5, 2), needs({ sizeBytes: GIB }));
    expect(said).toMatchObject([
      {
        status: 'fail',
        what: expect.stringMatching(/4 huge pages of 1 GiB, and 3 are free/),
        fix: expect.stringMatching(/^echo 7 > .*hugepages-1048576kB/),
      },
    ]);
  });

  it('fails where there is no such size', async () => {
    expect(await say('memory.hugepages', pool(2048, 1, 1), needs({ sizeBytes: GIB }))).toMatchObject([
      {
        status: 'fail',
        what: expect.stringMatching(/no huge pages of 1 GiB/),
        fix: expect.stringMatching(/2048kB/),
      },
    ]);
    expect(await say('memory.hugepages', {}, needs({}))).toMatchObject([
      { status: 'fail', what: expect.stringMatching(/no huge pages/) },
    ]);
  });

  it('knows a mount and its page size', async () => {
    const mounts = 'hugetlbfs /dev/huge1G hugetlbfs rw,relatime,pagesize=1024M 0 0\n';
    const files = { ...pool(1048576, 4, 4), 'proc/mounts': mounts };
    expect(await say('memory.hugepages', files, needs({ path: '/dev/huge1G/' }))).toMatchObject([
      { status: 'ok' },
    ]);
    expect(await say('memory.hugepages', files, needs({ path: '/mnt' }))).toMatchObject([
      { status: 'fail', what: 'no hugetlbfs is mounted at /mnt' },
    ]);
  });

  it('is nothing to others', async () => {
    expect(await say('memory.hugepages', {}, {})).toEqual([]);
  });
});

const cpus = (online: string, isolated = '') => ({
  'sys/devices/system/cpu/online': `${online}\n`,
  'sys/devices/system/cpu/isolated': `${isolated}\n`,
});

describe('cpu.count', () => {
  it.each([
    [4, '0-3', 'ok'],
    [5, '0-3', 'warn'],
    [4, '0,2-4', 'ok'],
  ])('of %i on %s is %s', async (vcpus, online, status) => {
    expect(await say('cpu.count', cpus(online), { vcpus })).toMatchObject([{ status }]);
  });

  it('warns where the host does not say', async () => {
    expect(await say('cpu.count', {}, { vcpus: 1 })).toMatchObject([{ status: 'warn' }]);
  });
});

describe('cpu.pinning', () => {
  const pinning = { vcpus: [[2], [3]], emulator: [0, 1] };

  it('is well where all are online, and isolated where any is', async () => {
    expect(await say('cpu.pinning', cpus('0-3'), { pinning })).toMatchObject([{ status: 'ok' }]);
    expect(await say('cpu.pinning', cpus('0-3', '2-3'), { pinning })).toMatchObject([{ status: 'ok' }]);
  });

  it('fails with a list of which none is online, warns where some are', async () => {
    expect(await say('cpu.pinning', cpus('0,2'), { pinning })).toMatchObject([
      { on: 'cpuPinning.vcpus[2]', status: 'fail', what: expect.stringMatching(/CPUs 3/) },
      { on: 'cpuPinning.emulator', status: 'warn', what: expect.stringMatching(/CPUs 1/) },
    ]);
  });

  it('warns of isolation by halves', async () => {
    expect(await say('cpu.pinning', cpus('0-3', '3'), { pinning })).toMatchObject([
      { status: 'warn', what: expect.stringMatching(/run on 2,/), fix: expect.stringMatching(/isolcpus=/) },
    ]);
  });

  it('is nothing without pinning', async () => {
    expect(await say('cpu.pinning', cpus('0-3'), {})).toEqual([]);
  });
});

it.each([
  ['0-3,8', [0, 1, 2, 3, 8]],
  ['5', [5]],
  ['', undefined],
  ['a-b', undefined],
  [undefined, undefined],
])('reads the list of CPUs %j', (text, expected) => {
  expect(cpuList(text)).toEqual(expected);
});
