import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { hostChecks } from '../../../src/host/checks/index.js';
import { parseKernelConfig } from '../../../src/host/checks/kernel-config.js';
import { cleanUp, hostWith, orinNeeds, RELEASE, tegra } from './tree.js';

afterAll(cleanUp);

/** Every file that a check reads as text. */
const files = [
  'proc/config.gz',
  'proc/cmdline',
  'proc/meminfo',
  'proc/mounts',
  'proc/sys/kernel/osrelease',
  'proc/sys/kernel/seccomp/actions_avail',
  'proc/12/comm',
  `boot/config-${RELEASE}`,
  `lib/modules/${RELEASE}/modules.dep`,
  `lib/modules/${RELEASE}/modules.builtin`,
  'etc/modprobe.d/a.conf',
  'sys/devices/system/cpu/online',
  'sys/devices/system/cpu/isolated',
  'sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages',
  'sys/module/vfio_platform/parameters/reset_required',
];
const needs = {
  ...orinNeeds,
  tap: true,
  vhostNet: true,
  hugepages: { sizeBytes: 1n << 21n },
  pinning: { vcpus: [[0], [1]], emulator: [2] },
};

it('has something to say of any host, and never breaks', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(fc.constantFrom(...files), fc.string({ unit: 'binary' })),
      async (content) => {
        const sysroot = hostWith({ ...tegra, ...content });
        for (const given of [undefined, needs])
          for (const check of hostChecks)
            for (const { status, what, evidence } of await check.run({ sysroot, needs: given })) {
              expect(['ok', 'warn', 'fail']).toContain(status);
              if (given === undefined) expect(status, check.id).not.toBe('fail');
              expect(what).not.toContain('undefined');
              expect(evidence).not.toBe('');
            }
        cleanUp();
      },
    ),
    { numRuns: 60 },
  );
});

it('finds in a configuration what was written there', () => {
  const name = fc.stringMatching(/^[A-Z][A-Z0-9_]{0,20}$/);
  const value = fc.constantFrom('y', 'm', '"text"', '0x10');
  fc.assert(
    fc.property(fc.dictionary(name, value), fc.array(name), (set, unset) => {
      const lines = [
        ...unset.map((each) => `# CONFIG_${each} is not set`),
        ...Object.entries(set).map(([key, each]) => `CONFIG_${key}=${each}`),
      ];
      const found = parseKernelConfig(lines.join('\n'));
      expect(Object.fromEntries(found)).toEqual(
        Object.fromEntries(Object.entries(set).map(([key, each]) => [`CONFIG_${key}`, each])),
      );
    }),
  );
});
