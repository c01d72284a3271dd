import { readlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type Check, type CheckedHost, concerns, type Said, wantsDevices } from './check.js';
import { readKernelConfig } from './kernel-config.js';
import { isTegra, isThere, names, text } from './read.js';

const COMMAND_LINE = 'proc/cmdline';

/** What the bootloader said to the kernel, as far as it is in a VM's way; what is the default today is not asked for. */
export const bootParameters: Check<CheckedHost> = {
  id: 'kernel.parameters',
  run({ sysroot, needs }) {
    if (!concerns(needs, wantsDevices)) return [];
    const line = text(sysroot, COMMAND_LINE);
    if (line === undefined)
      return [
        {
          status: 'warn',
          what: "the kernel's command line is not known",
          evidence: `/${COMMAND_LINE} cannot be read`,
        },
      ];
    const has = (pattern: RegExp) => line.split(/\s+/).find((word) => pattern.test(word));
    const found: Said[] = [];
    const off = has(/^(iommu=off|intel_iommu=off|amd_iommu=off|arm-smmu\.disable=1)$/);
    if (off !== undefined)
      found.push({
        on: off.split('=', 1)[0]!,
        status: needs ? 'fail' : 'warn',
        what: `${off} switches the IOMMU off`,
        evidence: `/${COMMAND_LINE}: ${off}`,
        fix: `take ${off} out of the kernel command line (GRUB: /etc/default/grub; Jetson: APPEND in /boot/extlinux/extlinux.conf), then reboot`,
      });
    const unsafe = has(/^vfio(_iommu_type1)?\.(enable_unsafe_noiommu_mode|allow_unsafe_interrupts)=(1|y|Y)$/);
    if (unsafe !== undefined)
      found.push({
        on: unsafe.split('=', 1)[0]!,
        status: 'warn',
        what: `${unsafe} lets a guest reach more of the host than its own devices`,
        evidence: `/${COMMAND_LINE}: ${unsafe}`,
        fix: `take ${unsafe} out of the kernel command line, then reboot`,
      });
    if (off === undefined && wantsIntel(sysroot) && has(/^intel_iommu=(.*,)?on(,|$)/) === undefined)
      found.push({
        on: 'intel_iommu',
        status: needs ? 'fail' : 'warn',
        what: 'the kernel leaves an Intel IOMMU off unless it is told otherwise',
        evidence: `/${COMMAND_LINE} has no intel_iommu=on; CONFIG_INTEL_IOMMU_DEFAULT_ON is not set`,
        fix: 'add intel_iommu=on to GRUB_CMDLINE_LINUX in /etc/default/grub, then update-grub and reboot',
      });
    if (found.length > 0) return found;
    return [
      { status: 'ok', what: 'no boot parameter is in the way', evidence: `/${COMMAND_LINE}: ${shown(line)}` },
    ];
  },
};

/** An Intel IOMMU that the firmware shows, that is not in use, and that the kernel does not switch on by itself. */
function wantsIntel(sysroot: string): boolean {
  if (!isThere(sysroot, 'sys/firmware/acpi/tables/DMAR')) return false;
  if (names(sysroot, 'sys/kernel/iommu_groups').length > 0) return false;
  const options = readKernelConfig(sysroot)?.options;
  return options?.get('CONFIG_INTEL_IOMMU_DEFAULT_ON') !== 'y';
}

function shown(line: string): string {
  return line.length <= 120 ? line : `${line.slice(0, 119)}…`;
}

const RESET_REQUIRED = 'sys/module/vfio_platform/parameters/reset_required';

/** On a Tegra nothing resets the GPU's devices, and vfio-platform minds that unless it is told not to. */
export const resetRequired: Check<CheckedHost> = {
  id: 'kernel.reset-required',
  run({ sysroot, needs }) {
    // With a VM the check of each device says it, with the device's name.
    if (needs !== undefined || !isTegra(sysroot)) return [];
    const value = text(sysroot, RESET_REQUIRED);
    const evidence = `/${RESET_REQUIRED}: ${value ?? 'not there'}`;
    if (value !== undefined && /^[Nn0]/.test(value))
      return [{ status: 'ok', what: 'vfio-platform takes devices that it cannot reset', evidence }];
    return [
      {
        status: 'warn',
        what: 'vfio-platform refuses devices that it has no reset driver for, and a Tegra has none',
        evidence,
        fix: 'echo "options vfio_platform reset_required=0" > /etc/modprobe.d/gpuvm.conf; where it is built in, boot with vfio_platform.reset_required=0',
      },
    ];
  },
};

const DISPLAY_MANAGER = 'etc/systemd/system/display-manager.service';
const DEFAULT_TARGETS = [
  'etc/systemd/system/default.target',
  'usr/lib/systemd/system/default.target',
  'lib/systemd/system/default.target',
];

/** A desktop on the host takes the GPU before any VM can. */
export const headless: Check<CheckedHost> = {
  id: 'kernel.headless',
  run({ sysroot, needs }) {
    if (!concerns(needs, wantsDevices)) return [];
    const target = DEFAULT_TARGETS.map((path) => ({ path, name: linkedName(sysroot, path) })).find(
      ({ name }) => name !== undefined,
    );
    const manager = linkedName(sysroot, DISPLAY_MANAGER);
    const running = names(sysroot, 'proc')
      .filter((name) => /^\d+$/.test(name))
      .map((pid) => ({ pid, name: text(sysroot, `proc/${pid}/comm`) ?? '' }))
      .find(({ name }) => DISPLAYS.has(name));
    const evidence = [
      `default.target: ${target?.name ?? 'none'}`,
      `display manager: ${manager ?? 'none'}`,
      ...(running ? [`${running.name} runs (process ${running.pid})`] : []),
    ].join('; ');
    const starts = target?.name === 'graphical.target' && manager !== undefined;
    if (!running && !starts)
      return [{ status: 'ok', what: 'no desktop on the host holds the GPU', evidence }];
    return [
      {
        status: 'warn',
        what: running
          ? `a desktop runs on the host (${running.name}): it can hold the GPU that a VM is to own`
          : 'the host starts a desktop, which can hold the GPU that a VM is to own',
        evidence,
        fix: 'systemctl set-default multi-user.target, then reboot (or: systemctl isolate multi-user.target)',
      },
    ];
  },
};

const DISPLAYS = new Set(['Xorg', 'Xwayland', 'gdm', 'gdm3', 'lightdm', 'sddm', 'weston', 'gnome-shell']);

function linkedName(sysroot: string, path: string): string | undefined {
  try {
    return basename(readlinkSync(join(sysroot, path)));
  } catch {
    return undefined;
  }
}
