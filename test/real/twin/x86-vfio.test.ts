import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { hasProgram } from '../programs.js';
import { itUsesDevices, refused } from './vfio-judged.js';
import { X86Twin } from './x86.js';

/**
 * gpuvm/vfio against a real kernel with a real IOMMU: QEMU's edu, which has registers, DMA and interrupts that do as one
 * says, and e1000e. The twin makes all cases in one boot and reports what there was to see; here it is judged.
 */
const DEADLINE_MS = 400_000;
const isAble = process.arch === 'x64' && hasProgram('qemu-system-x86_64');
if (process.arch !== 'x64') console.warn('SKIPPED: the x86 twin runs the own programs of an x86-64 machine');

describe.skipIf(!isAble)('gpuvm/vfio on a real kernel (x86 twin)', () => {
  let twin: X86Twin;

  beforeAll(async () => {
    const script = fileURLToPath(new URL('inside/vfio.ts', import.meta.url));
    twin = await X86Twin.run({ script, deadlineMs: DEADLINE_MS });
  }, DEADLINE_MS + 60_000);

  function saw(name: string): Record<string, unknown> {
    const result = twin.reported(name) as { saw?: Record<string, unknown>; error?: string };
    if (result.saw === undefined) throw new Error(`${name}, in the twin: ${result.error}`);
    return result.saw;
  }

  itUsesDevices('group', saw);

  it('says who has a group open', () => {
    expect(saw('secondOpener')).toEqual(
      refused('GPUVM_VFIO', /\/dev\/vfio\/\d+: open failed with EBUSY \(open in node \(process \d+\)\)/),
    );
  });

  it('says which device keeps a group from being viable', () => {
    expect(saw('notViable')).toEqual(
      refused(
        'GPUVM_VFIO',
        /VFIO_GROUP_SET_CONTAINER failed with EPERM \(.*1f\.3 is with i801_smbus.*not viable/,
      ),
    );
  });

  it('says that this kernel has no iommufd', () => {
    expect(saw('wayOfIommufd')).toEqual(refused('GPUVM_KERNEL_FEATURE', /iommufd.*Linux 6\.2/));
  });

  it('shows regions and registers on the command line', () => {
    const { table, dump, config, json, beyond, unbound, absent } = saw('commandLine') as Record<
      string,
      { status: number; stdout: string; stderr: string }
    >;
    expect(table!.stdout.split('\n').slice(0, 4)).toEqual([
      'pci, cannot be reset',
      'REGION  SIZE      ACCESS  MAPPABLE',
      'bar0    0x100000  rw      all',
      'config  0x100     rw      -',
    ]);
    expect(dump!.stdout).toMatch(/^00000000: 010000ed [0-9a-f]{8}\n$/);
    expect(config!.stdout).toMatch(/^00000000: 11e81234 \w\w \w\w\n$/);
    expect(JSON.parse(json!.stdout)).toMatchObject({ kind: 'pci', regions: { length: 9 } });
    expect(beyond).toMatchObject({ status: 64, stderr: expect.stringMatching(/beyond its end/) });
    expect(unbound).toMatchObject({
      status: 69,
      stderr: expect.stringMatching(/not with vfio-pci: gpuvm devices bind/),
    });
    expect(absent).toMatchObject({
      status: 69,
      stderr: expect.stringMatching(/there is no PCI or platform device/),
    });
  });
});
