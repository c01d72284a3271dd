import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { Guest } from './guest.js';
import { guestIsPrepared, POLICY } from './vm-file.js';

const drivers = '/sys/bus/platform/drivers';
const consumers = {
  'tegra-pwm': ['11000000.pwm', '11100000.pwm'],
  'simple-pm-bus': ['bus@11100000', 'bus@11200000'],
};

describe.skipIf(!guestIsPrepared())('without a grant', () => {
  let guest: Guest | undefined;
  const folder = mkdtempSync(join(tmpdir(), 'gpuvm-grants-'));
  afterEach(() => guest?.kill());
  afterAll(() => rmSync(folder, { recursive: true }));

  /** The policy without one line, which is under this heading. */
  function policyWithout(section: string, name: string): string {
    const lines = readFileSync(POLICY, 'utf8').split('\n');
    const begin = lines.indexOf(`${section}:`);
    const at = lines.findIndex((text, i) => i > begin && text.startsWith(`  ${name}:`));
    expect(at).toBeGreaterThan(begin);
    const file = join(folder, `${section}-${name}.yaml`);
    writeFileSync(file, lines.toSpliced(at, 1).join('\n'));
    return file;
  }

  async function bound(): Promise<string[]> {
    const lists = Object.entries(consumers).map(async ([driver, devices]) => {
      const there = await guest!.list(`${drivers}/${driver}`);
      return devices.filter((device) => there.includes(device));
    });
    return (await Promise.all(lists)).flat();
  }

  it('of nothing, every consumer probes', async () => {
    guest = await Guest.boot();
    expect((await bound()).sort()).toEqual(Object.values(consumers).flat().sort());
    expect(guest.denials).toEqual([]);
    await guest.powerOff();
  });

  const cases = [
    {
      what: 'of the clock PWM1',
      policy: () => policyWithout('clocks', 'PWM1'),
      fails: '11000000.pwm',
      says: /^tegra-pwm 11000000\.pwm: probe with driver tegra-pwm failed with error -\d+$/,
      fix: 'clocks: {PWM1: use}',
    },
    {
      what: 'of the clock PWM2',
      policy: () => policyWithout('clocks', 'PWM2'),
      fails: '11100000.pwm',
      says: /^tegra-pwm 11100000\.pwm: probe with driver tegra-pwm failed with error -\d+$/,
      fix: 'clocks: {PWM2: use}',
    },
    {
      what: "of a clock of the bus's",
      policy: () => policyWithout('clocks', 'GPUSYS'),
      fails: '11100000.pwm',
      says: /^simple-pm-bus bus@11100000: failed to enable clocks: -\d+$/,
      fix: 'clocks: {GPUSYS: use}',
    },
    {
      what: 'of the power domain VIC',
      policy: () => policyWithout('powerDomains', 'VIC'),
      fails: 'bus@11200000',
      // Linux takes a domain that cannot be switched on for one whose driver is still to come.
      says: /^bus@11200000$/,
      fix: 'powerDomains: {VIC: use}',
    },
  ];

  it.each(cases)('$what, $fails fails to probe and nothing else', async ({ policy, fails, says, fix }) => {
    guest = await Guest.boot({ policy: policy() });
    const fixes = guest.denials.map((denial) => denial.fix ?? '');
    const deferred = (await guest.read('/sys/kernel/debug/devices_deferred')).split(/\s+/);
    expect([...(await guest.log()), ...deferred].filter((line) => says.test(line))).not.toEqual([]);
    expect(fixes.join('\n')).toContain(fix);
    const all = Object.values(consumers).flat();
    expect((await bound()).sort()).toEqual(all.filter((device) => device !== fails).sort());
    await guest.powerOff();
  });
});
