import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Finding } from '../finding.js';
import type { DeviceRequest } from './device.js';
import { type Bus, type HostDevice, readText } from './read.js';

const PARAMETER = '/sys/module/vfio_platform/parameters/reset_required';

/** The reset drivers that Linux has (drivers/vfio/platform/reset/), by what they match. */
const resetModules: Readonly<Record<string, string>> = {
  'calxeda,hb-xgmac': 'vfio_platform_calxedaxgmac',
  'amd,xgbe-seattle-v1a': 'vfio_platform_amdxgbe',
  'brcm,iproc-flexrm-mbox': 'vfio_platform_bcmflexrm',
};

export const platformBus: Bus = {
  name: 'platform',
  driver: 'vfio-platform',
  module: 'vfio_platform',
  option: 'CONFIG_VFIO_PLATFORM',
  isHarmless: () => false,
  identify: compatibles,
  checkReset,
};

/** vfio-platform refuses a device that it cannot reset, unless it was told not to mind. */
function checkReset(device: HostDevice, request: DeviceRequest, { sysroot }: { sysroot: string }): Finding {
  const about = { id: `vfio.reset/${device.name}`, device: device.name };
  const known = compatibles(device, sysroot).find((compatible) => compatible in resetModules);
  const installed = installedReset(device, sysroot);
  const module = installed?.module ?? (known && resetModules[known]!);
  if (module && existsSync(join(sysroot, '/sys/module', module)))
    return {
      ...about,
      status: 'ok',
      what: `${device.name} is reset by ${module}`,
      evidence: `/sys/module/${module}`,
    };
  if (installed)
    return {
      ...about,
      status: 'ok',
      what: `${device.name} is reset by ${module}, which the kernel loads when it is bound`,
      evidence: installed.evidence,
    };
  const required = readText(join(sysroot, PARAMETER));
  const evidence = `${PARAMETER}: ${required ?? 'not there'}; compatible: ${compatibles(device, sysroot).join(', ') || 'none'}`;
  if (module)
    return {
      ...about,
      status: 'warn',
      what: `the reset driver of ${device.name} is not loaded`,
      evidence,
      fix: `modprobe ${module.replaceAll('_', '-')}`,
    };
  // The kernel's own default is to mind.
  if (required === undefined || /^[Yy1]/.test(required))
    return {
      ...about,
      status: required === undefined ? 'warn' : 'fail',
      what: `the kernel has no reset driver for ${device.name}, and vfio-platform ${required === undefined ? 'will want' : 'wants'} one`,
      evidence,
      fix: 'echo "options vfio_platform reset_required=0" > /etc/modprobe.d/gpuvm.conf, then load vfio-platform anew; where it is built in, boot with vfio_platform.reset_required=0',
    };
  if (request.resetRequired)
    return {
      ...about,
      status: 'fail',
      what: `${device.name} must be reset between guests, and the kernel has no reset driver for it`,
      evidence,
      fix: `drop resetRequired of ${device.name} where the guest's driver resets the device itself`,
    };
  return {
    ...about,
    status: 'ok',
    what: `${device.name} has no reset driver, and none is asked for: the next guest finds it as the last one left it`,
    evidence,
  };
}

/** What vfio-platform asks modprobe for, by an alias that every reset driver has. */
function installedReset(device: HostDevice, sysroot: string) {
  const release = readText(join(sysroot, '/proc/sys/kernel/osrelease'));
  const path = `/lib/modules/${release}/modules.alias`;
  const aliases = readText(join(sysroot, path))?.split('\n') ?? [];
  for (const compatible of compatibles(device, sysroot)) {
    const alias = `alias vfio-reset:${compatible} `;
    const line = aliases.find((one) => one.startsWith(alias));
    if (line) return { module: line.slice(alias.length), evidence: `${path}: ${line}` };
  }
  return undefined;
}

function compatibles({ path }: HostDevice, sysroot: string): string[] {
  const text = readText(join(sysroot, path, 'of_node/compatible'));
  return text?.split('\0').filter((name) => name !== '') ?? [];
}
