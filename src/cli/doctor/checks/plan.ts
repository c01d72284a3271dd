import { placesIn } from '../../../config/index.js';
import { formatPlace, GpuvmError } from '../../../errors.js';
import type { Finding } from '../../../finding.js';
import { makePlan } from '../../../vm/plan/index.js';
import type { Row } from '../examine.js';

/** What the plan refuses. What it says of devices on this host has been said by vfio, with what was well. */
export const planRow: Row = {
  ids: [
    'plan.layout',
    'plan.host-tree',
    'plan.machine',
    'plan.bus',
    'plan.shape',
    'plan.window',
    'plan.carve-out',
    'plan.options',
    'plan.other-devices',
  ],
  run: async (given) => {
    const { config, sysroot, hostTree, qemu } = given;
    if (!config) return [];
    try {
      const plan = await makePlan(config, {
        sysroot,
        hostTree,
        askQemu: (binary, device) => qemu.device(binary, device),
      });
      const places = plan.findings.some(({ at }) => at) ? await placesIn(config.file) : undefined;
      const findings = plan.findings
        .filter(({ id }) => id.startsWith('plan.') && !SAID_ELSEWHERE.has(id))
        .map(({ at, about: _, what, ...finding }): Finding => {
          const place = at && places?.(at);
          return { ...finding, what: place ? `${formatPlace(place)}: ${what}` : what };
        });
      if (findings.length > 0) return findings;
      const count = plan.devices.length;
      const placed = count === 0 ? 'no platform devices' : `${count} platform devices, all with a place`;
      return [
        {
          id: 'plan.layout',
          status: 'ok',
          what: `the plan has ${placed}`,
          evidence: plan.bus ? `${plan.bus.kind} layout: ${plan.bus.because}` : config.machine,
        },
      ];
    } catch (error) {
      // The policy has a check of its own.
      if (GpuvmError.is(error, 'GPUVM_POLICY')) return [];
      if (!GpuvmError.is(error, 'GPUVM_DEVICE_TREE') && !GpuvmError.is(error, 'GPUVM_FILE')) throw error;
      return [
        {
          id: 'plan.host-tree',
          status: 'fail',
          what: error.message,
          evidence: error.code,
          fix: 'dtc -I fs -O dtb -o host.dtb /proc/device-tree, then: gpuvm doctor FILE --host-tree host.dtb',
        },
      ];
    }
  },
};

/** By the checks of QEMU, of the account, and of the devices. */
export const SAID_ELSEWHERE = new Set(['plan.qemu', 'plan.account', 'plan.host']);
