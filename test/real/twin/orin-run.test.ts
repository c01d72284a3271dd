import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { cacheFolder } from '../../../src/config/index.js';
import { hasProgram } from '../programs.js';
import type { Edu, KilledSupervisor, Whole } from './inside/orin-run-cases.js';
import { OrinTwin } from './orin.js';

/**
 * examples/orin-twin.yaml on a kernel that has its devices: the reference VM's ten, its carve-outs at the host's addresses,
 * and a Linux under KVM whose own drivers' requests come to the BPMP's device by way of the policy. One boot of the Orin
 * twin makes all cases; here they are judged.
 */
const DEADLINE_MS = 900_000;
const parts = [
  'orin-guest/current/engines.dtbo',
  'guest-kernel/current/Image',
  'guest-mainline/current/initrd',
];
const missing = parts.map((part) => join(cacheFolder(), part)).filter((path) => !existsSync(path));
const isAble = (process.arch === 'arm64' || hasProgram('aarch64-linux-gnu-g++')) && missing.length === 0;
if (missing.length > 0) console.warn(`SKIPPED: run scripts/setup, which makes ${missing.join(', ')}`);

/** By their numbers (dt-bindings/{clock,reset,power}/tegra234-*.h). */
const granted = {
  clocks: {
    GPUSYS: 304,
    GPC0CLK: 41,
    GPC1CLK: 236,
    VIC: 167,
    NVDEC: 83,
    NVJPG1: 20,
    TSEC_PKA: 154,
    HOST1X: 46,
    ACTMON: 1,
  },
  resets: { GPU: 19, VIC: 113, NVDEC: 44, NVJPG1: 10 },
  domains: { GPU: 35, VIC: 29, NVDEC: 23, NVJPGB: 36 },
};
/** What hangs above the granted clocks; the guest may switch it on, and it stays on: nobody knows who else uses it. */
const above = {
  NAFLL_GPUSYS: 428,
  NAFLL_GPC0: 426,
  NAFLL_GPC1: 427,
  NAFLL_VIC: 207,
  NAFLL_NVDEC: 199,
  NAFLL_NVJPG1: 210,
};
const shared = { FUSE: 40, OSC: 91, CLK_M: 14, PLLP_OUT0: 102 };
const CLK = 22;
const RESET = 20;
const PG = 66;
/** Of CLK: SET_RATE, SET_PARENT, DISABLE; and ENABLE, which a guest may do to what it shares with the host, too. */
const CHANGES = [2, 5, 8];
const ENABLE = 7;
const DISABLE = 8;

describe.skipIf(!isAble)('the reference VM in the Orin twin', () => {
  let twin: OrinTwin;

  beforeAll(async () => {
    const script = fileURLToPath(new URL('inside/orin-run.ts', import.meta.url));
    twin = await OrinTwin.run({ script, deadlineMs: DEADLINE_MS });
  }, DEADLINE_MS + 300_000);

  function saw<T>(name: string): T {
    const report = twin.reported(name) as { saw: T } | { error: string };
    if ('error' in report) throw new Error(`${name}, in the twin: ${report.error}`);
    return report.saw;
  }
  const whole = () => saw<Whole>('whole');

  /** What of the host is not as before, but for parents of clocks that stay on. */
  const leftOver = (changed: readonly string[]) =>
    changed.filter((line) => !Object.values(above).some((id) => line.startsWith(`clk ${id}:`)));

  describe('while it runs', () => {
    it('has all ten devices with vfio-platform', () => {
      const { drivers } = whole().taken;
      expect(Object.keys(drivers)).toHaveLength(10);
      expect(new Set(Object.values(drivers)), JSON.stringify(drivers)).toEqual(new Set(['vfio-platform']));
    });

    it('has each group open in QEMU, and nowhere else', () => {
      const { holders } = whole().taken;
      const all = Object.values(holders);
      const [qemu] = all.flat();
      for (const [name, of] of Object.entries(holders)) expect(of, name).toEqual([qemu]);
      expect(qemu?.name).toMatch(/^qemu-system-aar/);
    });

    it('has the BPMP open in the supervisor, and not in QEMU', () => {
      const { bpmp, supervisor } = whole().taken;
      expect(bpmp.map((line) => Number(line.split(' ')[0]))).toEqual([supervisor]);
    });

    it('runs its guest under KVM', () => {
      expect(whole().kvm).toMatchObject({ enabled: true, present: true });
    });

    it('shows the guest each carve-out at the address that the host has it at, from its first word to its last', () => {
      const { ends, read } = whole();
      expect(ends).toHaveLength(6);
      expect(read).toEqual(Object.fromEntries(ends.map(({ address, host }) => [address, host])));
    });

    it('has the host find there what the guest has written', () => {
      const { ends, written } = whole();
      expect(written).toEqual(Object.fromEntries(ends.map(({ address, guest }) => [address, guest])));
    });
  });

  describe("the guest's own drivers", () => {
    it('come up without a complaint', () => {
      const { kernel, working } = whole();
      expect(kernel).toMatch(/tegra-bpmp bpmp: firmware: /);
      expect(kernel).not.toMatch(/cut here|WARNING:|BUG:|Oops|timed out|probe .* failed/);
      expect(working.chips).toHaveLength(2);
    });

    it("have their clocks, resets and power domains in the module's firmware", () => {
      const { bpmp } = whole().working;
      const { clocks, domains } = granted;
      for (const id of [clocks.GPUSYS, clocks.GPC0CLK, clocks.VIC, clocks.NVJPG1])
        expect(bpmp.join('\n')).toMatch(new RegExp(`^clk ${id} on`, 'm'));
      for (const id of [domains.GPU, domains.NVJPGB]) expect(bpmp).toContain(`pg ${id} on`);
    });

    it('reach the module with what the policy allows, and with nothing else', () => {
      const { log, taken } = whole();
      expect(new Set(log.map(({ pid }) => pid))).toEqual(new Set([taken.supervisor]));
      const clocks: readonly number[] = [...Object.values(granted.clocks), ...Object.values(above)];
      const wrong = log.filter(({ mrq, tx }) => {
        const [first, second] = [0, 8].map((at) => Buffer.from(tx.slice(at, at + 8), 'hex'));
        const word = first!.length === 4 ? first!.readUInt32LE() : 0;
        const id = second!.length === 4 ? second!.readUInt32LE() : -1;
        if (mrq === CLK) {
          const [command, clock] = [word >>> 24, word & 0xff_ffff];
          if (command === ENABLE) return ![...clocks, ...Object.values(shared)].includes(clock);
          return CHANGES.includes(command) && !clocks.includes(clock);
        }
        if (mrq === RESET) return !(Object.values(granted.resets) as number[]).includes(id);
        if (mrq === PG) return word === 1 && !(Object.values(granted.domains) as number[]).includes(id);
        return false;
      });
      expect(wrong).toEqual([]);
      expect(log.some(({ mrq, tx }) => mrq === CLK && tx.startsWith('a7000007'))).toBe(true); // ENABLE VIC
    });

    it('do not reach it with what is absorbed', () => {
      const { log, events } = whole();
      const absorbed = events.filter(({ verdict }) => verdict === 'absorb').map(({ text }) => text);
      expect(absorbed).toContain('CLK DISABLE FUSE (40)');
      for (const [name, id] of Object.entries(shared)) {
        const switched = log.filter(({ mrq, tx }) => {
          const word = tx.length < 8 ? 0 : Buffer.from(tx.slice(0, 8), 'hex').readUInt32LE();
          return mrq === CLK && word >>> 24 === DISABLE && (word & 0xff_ffff) === id;
        });
        expect(switched, name).toEqual([]);
      }
    });
  });

  describe('its end', () => {
    it('is the guest that has powered off, and status 0', () => {
      const { ended } = whole();
      expect({ status: ended.status, signal: ended.signal }, ended.stderr).toEqual({
        status: 0,
        signal: null,
      });
      expect(ended.stderr).toContain('orin-twin: the guest shut down');
    });

    it('leaves devices, overrides, nodes, journals and the BPMP as they were', () => {
      expect(leftOver(whole().after)).toEqual([]);
      expect(leftOver(whole().changed)).toEqual([]);
    });
  });

  it('plans what it then does, from the tree of the host itself', () => {
    const { plan } = whole();
    expect(plan.status, plan.stderr).toBe(0);
    const { steps, hostTree } = JSON.parse(plan.stdout) as { steps: { what: string }[]; hostTree: string };
    expect(hostTree).toBe('/sys/firmware/fdt');
    expect(steps.filter(({ what }) => what.endsWith('to vfio-platform'))).toHaveLength(10);
  });

  it('is given back by gpuvm recover when the supervisor is killed', () => {
    const { left, opened, recovered, after } = saw<KilledSupervisor>('killed-supervisor');
    expect(left.join('\n')).toMatch(/17000000\.gpu driver: "none" → "vfio-platform"/);
    expect(left.join('\n')).toMatch(/clk 167: .*on/);
    expect(opened, 'who still has a container').toEqual([]);
    expect(recovered.status, recovered.stderr).toBe(0);
    expect(leftOver(after)).toEqual([]);
  });

  it('gives a PCI device behind the SMMU to a Linux under KVM on a stock QEMU, and takes it back', () => {
    const { holders, driver, ended, after, changed } = saw<Edu>('edu');
    expect(holders).toEqual([{ pid: expect.any(Number), name: expect.stringMatching(/^qemu-system-aar/) }]);
    expect(driver).toBe('vfio-pci');
    expect(ended.stdout, ended.stderr).toContain('EDU id 0x010000ed liveness 0xedcba987 factorial 3628800');
    expect({ status: ended.status, after, changed }).toEqual({ status: 0, after: null, changed: [] });
  });
});
