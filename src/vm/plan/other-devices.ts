import type { VmConfig } from '../../config/index.js';
import type { PlanFinding } from './finding.js';

/** Devices that QEMU puts on the platform bus besides ours (`machine_class_allow_dynamic_sysbus_dev` in hw/arm/virt.c). */
const ON_THE_BUS = [
  'vfio-platform',
  'vfio-calxeda-xgmac',
  'vfio-amd-xgbe',
  'tpm-tis-device',
  'arm-smmuv3',
  'uefi-vars-sysbus',
] as const;

/** What QEMU calls the driver of a `-device`, plain or in JSON; undefined where it cannot be told. */
function driverOf(value: string): string | undefined {
  if (!value.startsWith('{')) return /^(?:driver=)?([^,]+)/.exec(value)?.[1];
  return /"driver"\s*:\s*"([^"]+)"/.exec(value)?.[1];
}

/**
 * Devices of `extraArguments` that take room on the platform bus too. They come after the file's own, so they do not move
 * those; what they get themselves nobody has predicted.
 */
export function checkOtherDevices({ extraArguments }: VmConfig): PlanFinding[] {
  return extraArguments.flatMap((argument, index): PlanFinding[] => {
    const before = extraArguments[index - 1];
    if (before !== '-device' && before !== '--device') return [];
    const driver = driverOf(argument);
    if (!(ON_THE_BUS as readonly (string | undefined)[]).includes(driver)) return [];
    const what = `extraArguments[${index + 1}]: ${driver} takes room and interrupts on the platform bus that this plan does not know of`;
    const fix = driver === 'vfio-platform' ? { fix: 'name the device under platformDevices' } : {};
    return [
      {
        id: 'plan.other-devices',
        status: 'warn',
        what,
        evidence: argument,
        ...fix,
        about: 'file',
        at: ['extraArguments', index],
      },
    ];
  });
}
