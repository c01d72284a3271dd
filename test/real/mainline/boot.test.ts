import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { SimulatedBpmp, type SimulatedState } from '../../../src/bpmp/backend/index.js';
import { parentsOf } from '../../../src/bpmp/mediator/index.js';
import { parsePolicy } from '../../../src/bpmp/policy/index.js';
import { readClkSummary } from './clk-summary.js';
import { Guest } from './guest.js';
import { guestIsPrepared, POLICY } from './vm-file.js';

const granted = ['PWM1', 'PWM2', 'GPUSYS', 'GPC0CLK', 'VIC'];
/** What hangs above them and has no other use: it runs while the guest does. */
const behind = ['NAFLL_GPUSYS', 'NAFLL_GPC0', 'NAFLL_VIC'];
const policy = parsePolicy(readFileSync(POLICY, 'utf8'), { file: POLICY });
const powerOn = new SimulatedBpmp({ debugClocks: 2 }).state();

/** The clocks that the policy lets the guest see. */
async function visibleClocks(): Promise<string[]> {
  const { grantedClocks, chip } = policy.compile();
  const clocks = await parentsOf(grantedClocks, new SimulatedBpmp(), chip.clocks.maxId);
  const compiled = policy.compile({ sharedParents: { clocks } });
  return Object.entries(powerOn.clocks)
    .filter(([, { id }]) => compiled.isClockVisible(id))
    .map(([name]) => name);
}

/** A state without what the guest alone has: what is left must be as it was. */
function withoutTheGuests(state: SimulatedState): unknown {
  const { requests: _requests, trips: _trips, clocks, asserted, powered, ...rest } = state;
  const isShared = ([name]: [string, unknown]) => ![...granted, ...behind].includes(name);
  return {
    ...rest,
    clocks: Object.fromEntries(Object.entries(clocks).filter(isShared)),
    asserted: asserted.filter((name) => !['PWM1', 'PWM2'].includes(name)),
    powered: powered.filter((name) => !['GPU', 'VIC'].includes(name)),
  };
}

describe.skipIf(!guestIsPrepared())(
  "an unpatched Linux on an unpatched QEMU, by the BPMP's own drivers",
  () => {
    let guest: Guest | undefined;
    afterEach(() => guest?.kill());

    const ignore = 'clk_ignore_unused pd_ignore_unused';
    const machines = [1, 2, 4].flatMap((cpus) => [
      { cpus, append: '' },
      { cpus, append: ignore },
    ]);

    it.each(machines)('boots with $cpus CPUs and "$append"', async ({ cpus, append }) => {
      guest = await Guest.boot({ cpus, append });
      expect(guest.inits[0]!.cpus).toBe(cpus);
      const clocks = readClkSummary(await guest.read('/sys/kernel/debug/clk/clk_summary'));
      clocks.delete('CLK24MHZ'); // the machine's own, not the BPMP's
      const state = await guest.state();

      expect([...clocks.keys()].sort()).toEqual((await visibleClocks()).sort());
      for (const [name, { rate, parent, prepared }] of clocks) {
        const held = state.clocks[name]!;
        expect({ name, rate, parent }).toEqual({ name, rate: held.rate, parent: held.parent });
        if (prepared > 0) expect({ name, enabled: held.enabled }).toEqual({ name, enabled: true });
      }
      expect(withoutTheGuests(state)).toEqual(withoutTheGuests(powerOn));
      if (append === '') {
        const running = granted.filter((name) => state.clocks[name]!.enabled);
        expect(running.filter((name) => clocks.get(name)!.prepared === 0)).toEqual([]);
      }

      const log = (await guest.log()).join('\n');
      expect(log).toContain('tegra-bpmp bpmp: firmware: gpuvm-simulated-bpmp');
      expect(log).not.toMatch(/cut here|WARNING:|BUG:|Oops|failed to|timed out/);

      const { report, ended } = await guest.powerOff();
      expect(report.ending).toBe('guest-shutdown');
      expect(report.release!.failed).toBe(0);
      expect(withoutRequests(ended!.backendState as SimulatedState)).toEqual(withoutRequests(powerOn));
    });

    it('boots with every access trapped', async () => {
      guest = await Guest.boot({ cpus: 2, layout: 'trapped' });
      expect((await guest.must('i2c /dev/i2c-0 0x3c 05 4')).text).toBe('a5a6a7a8');
      const { bridge } = await guest.bridge!.snapshot();
      expect(bridge).toMatchObject({ channelResets: 0, inFlight: 0 });
      expect(bridge.sramReads).toBeGreaterThan(1000);
      await guest.powerOff();
    });

    it('has a PWM, a bus with a power domain, I2C, temperatures and debug files that work', async () => {
      guest = await Guest.boot({ cpus: 2 });
      const on = async (name: string) => (await guest!.state()).clocks[name]!.enabled;

      const chips = await guest.list('/sys/class/pwm');
      expect(chips).toHaveLength(2);
      const pwm = '/sys/devices/platform/11000000.pwm';
      const [chip] = await guest.list(`${pwm}/pwm`);
      await guest.write(`${pwm}/pwm/${chip}/export`, '0');
      await guest.write(`${pwm}/pwm/${chip}/pwm0/period`, '1000000');
      await guest.write(`${pwm}/pwm/${chip}/pwm0/duty_cycle`, '500000');
      await guest.write(`${pwm}/pwm/${chip}/pwm0/enable`, '1');
      expect(await on('PWM1')).toBe(true);
      expect((await guest.state()).asserted).not.toContain('PWM1');
      await guest.write(`${pwm}/pwm/${chip}/pwm0/enable`, '0');
      expect(await on('PWM1')).toBe(false);
      await guest.write('/sys/bus/platform/drivers/tegra-pwm/unbind', '11000000.pwm');
      expect((await guest.state()).asserted).toContain('PWM1');

      const bus = '/sys/devices/platform/bus@11100000/power/control';
      await guest.write(bus, 'on');
      expect(await on('GPUSYS')).toBe(true);
      expect(await on('GPC0CLK')).toBe(true);
      expect((await guest.state()).powered).toContain('GPU');
      expect(await guest.read('/sys/kernel/debug/pm_genpd/gpu/current_state')).toBe('on');
      await guest.write(bus, 'auto');
      await expect.poll(() => on('GPUSYS')).toBe(false);
      await expect.poll(async () => (await guest!.state()).powered).not.toContain('GPU');
      expect(await guest.read('/sys/kernel/debug/pm_genpd/pm_genpd_summary')).toMatch(/^gpu +off-0/m);

      expect((await guest.must('i2c /dev/i2c-0 0x3c 05 4')).text).toBe('a5a6a7a8');
      expect(await guest.ask('i2c /dev/i2c-0 0x3d 05 4')).toMatchObject({ ok: false });
      const zones = await guest.list('/sys/class/thermal');
      expect(zones).toHaveLength(9);
      expect(await guest.read('/sys/class/thermal/thermal_zone1/temp')).toBe('44000');
      expect(await guest.list('/sys/kernel/debug/bpmp')).toContain('debug');
      await guest.powerOff();
    });
  },
);

function withoutRequests(state: SimulatedState): unknown {
  const { requests: _, ...rest } = state;
  return rest;
}
