import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { hasProgram } from '../programs.js';
import { itUsesDevices, refused } from './vfio-judged.js';
import { X86Twin } from './x86.js';

/**
 * gpuvm/vfio by way of iommufd and the devices' own nodes, against Linux 6.12: all that x86-vfio.test.ts holds by way of
 * groups, and what the kernel does otherwise there.
 */
const DEADLINE_MS = 400_000;
const isAble = process.arch === 'x64' && hasProgram('qemu-system-x86_64');
if (process.arch !== 'x64') console.warn('SKIPPED: the x86 twin runs the own programs of an x86-64 machine');

const bound = (node: string, errno: string, who: string, why: string) =>
  refused(
    'GPUVM_VFIO',
    new RegExp(`${node}: VFIO_DEVICE_BIND_IOMMUFD failed with ${errno} \\(${who}\\): ${why}`),
  );

describe.skipIf(!isAble)('gpuvm/vfio by iommufd on a real kernel (x86 twin)', () => {
  let twin: X86Twin;

  beforeAll(async () => {
    const script = fileURLToPath(new URL('inside/iommufd.ts', import.meta.url));
    twin = await X86Twin.run({ script, release: 'trixie', deadlineMs: DEADLINE_MS });
  }, DEADLINE_MS + 60_000);

  function saw(name: string): Record<string, unknown> {
    const result = twin.reported(name) as { saw?: Record<string, unknown>; error?: string };
    if (result.saw === undefined) throw new Error(`${name}, in the twin: ${result.error}`);
    return result.saw;
  }

  itUsesDevices('iommufd', saw);

  it('finds groups and nodes beside each other, and goes by the group where nothing is said', () => {
    expect(saw('nodes')).toEqual({ group: true, modes: ['660', '600'], majors: ['vfio', 'vfio-dev'] });
    expect(saw('ways')).toMatchObject({ free: [null, null, null], usual: 'group' });
  });

  it('says who has a device by its node: neither its group nor its node can be had besides', () => {
    const { node, group, whileNode } = saw('ways') as Record<string, string>;
    expect(whileNode).toEqual([
      refused('GPUVM_VFIO', new RegExp(`/dev/vfio/${group}: open failed with EBUSY \\(open in node `)),
      bound(node!, 'EINVAL', 'open in node \\(process \\d+\\)', 'a device is had by its node once'),
    ]);
  });

  it('says who has the group of a device whose node is opened', () => {
    const { node, group, whileGroup } = saw('ways') as Record<string, string>;
    expect(whileGroup).toEqual([
      refused('GPUVM_VFIO', new RegExp(`/dev/vfio/${group}: open failed with EBUSY \\(open in node `)),
      bound(node!, 'EBUSY', 'open in node \\(process \\d+\\)', 'its group is open'),
    ]);
  });

  it('says which drivers of the host are in the group of a device, which the kernel gives to one owner', () => {
    const drivers = '0000:00:1f.0 is with lpc_ich, 0000:00:1f.3 is with i801_smbus';
    const expected = bound('vfio\\d', 'EPERM', drivers, 'the group has another owner');
    expect(saw('notViable')).toEqual(expected);
    expect(saw('sharedGroup').one).toEqual(expected);
  });

  it('has the devices of one group in one address space, and says who has the others', () => {
    const { pid, ...seen } = saw('sharedGroup');
    const expected = (who: string) =>
      bound('vfio\\d', 'EPERM', `open in node \\(process ${who}\\)`, 'the group has');
    expect(seen).toMatchObject({
      drivers: ['vfio-pci', 'vfio-pci'],
      together: [0x8086, 0x8086],
      elsewhere: expected('\\d+'),
      held: null,
      inAnotherProcess: expected(String(pid)),
    });
  });

  it('has devices at once that were taken from a killed process', () => {
    const { pid, ...seen } = saw('sharedGroup');
    expect(seen).toMatchObject({
      itself: bound('vfio\\d', 'EINVAL', `open in node \\(process ${pid}\\)`, 'a device is had'),
      afterwards: [null, null],
    });
  });

  it('takes no more from a user without rights than the two nodes', () => {
    expect(saw('unprivileged').tried).toEqual([
      refused('GPUVM_VFIO', /^\/dev\/iommu: open failed with EACCES: this user may not use it/),
      refused('GPUVM_VFIO', /\/dev\/vfio\/devices\/vfio0: open failed with EACCES/),
      null,
    ]);
  });

  it('says that the limit of locked memory is one for all processes of a user', () => {
    expect(saw('unprivileged').memory).toEqual({
      alone: null,
      first: null,
      beside: refused('GPUVM_VFIO', /IOMMU_IOAS_MAP failed with ENOMEM: .*RLIMIT_MEMLOCK.* in all processes/),
      afterwards: null,
    });
  });

  it('gives a device back when nobody has its node open, and says who has', () => {
    const { holder, node, ...seen } = saw('inUse');
    expect(seen).toMatchObject({
      findings: [
        {
          status: 'fail',
          what: `0000:00:10.0 is in use by node (process ${holder})`,
          evidence: expect.stringContaining(`node (process ${holder}): ${node}`),
        },
      ],
      listed: { driver: 'vfio-pci', holders: [`node (${holder})`] },
      refused: {
        outcome: 'failed',
        why: `node (process ${holder}) has ${node} open: end that first`,
      },
      held: null,
      still: 'vfio-pci',
      // The kernel waits for the same process when it is not asked first, and has taken the node away by then.
      hung: expect.stringMatching(`${node} \\(deleted\\)$`),
      restored: { ok: true },
      after: null,
    });
  });
});
