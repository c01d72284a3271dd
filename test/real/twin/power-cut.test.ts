import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasProgram } from '../programs.js';
import { CrashStates, type Judged } from './power-cut/crash-states.js';
import { type Booted, CuttableTwin, type Moment, type Verdict } from './power-cut/machine.js';
import { cuts, E1000E, RECOVER, STEP } from './power-cut/plan.js';
import type { VolatileDisk } from './power-cut/volatile-disk.js';

/**
 * The power fails while gpuvm changes the host: QEMU is killed, its disk keeps what was flushed and, where the plan says
 * so, any of the rest; the twin is booted again on it, with `gpuvm recover` as its first command, as gpuvm-recover.service
 * has it. Each boot recovers from the cut before, goes on to the next command, and is cut in it (plan.ts).
 *
 * Besides, all disks that a power cut could have left during the first boot are collected, and looked at from outside.
 */
const SEEDS = process.env.GPUVM_POWER_CUT === 'all' ? 20 : 2;

const isAble = process.arch === 'x64' && hasProgram('qemu-system-x86_64');
if (process.arch !== 'x64') console.warn('SKIPPED: the x86 twin runs the own programs of an x86-64 machine');

/** Until the file system has committed once by itself: a flush before, and one after. */
async function untilCommitted(disk: VolatileDisk): Promise<void> {
  const enough = disk.flushes + 2;
  for (const end = performance.now() + 30_000; disk.flushes < enough && performance.now() < end; )
    await setTimeout(20);
}

describe.skipIf(!isAble)('a power cut (x86 twin)', () => {
  let twin: CuttableTwin;
  const states = new CrashStates(SEEDS);
  let judged: Judged[];
  /** One for each cut, in which it happens, and the last one, which is not cut. */
  const boots: Booted[] = [];

  beforeAll(async () => {
    twin = await CuttableTwin.prepare();
    for (const [index, { before, command, moment, kept }] of cuts.entries()) {
      const isFirst = index === 0;
      twin.onFlush = (disk) => isFirst && states.atFlush(disk);
      const decide = async (at: Moment): Promise<Verdict> => {
        // The kernel comes to have the file's new size on the disk, and not what is in it.
        if (isFirst && at.name === `do ${STEP}/override" is written`) await untilCommitted(at.disk);
        if (isFirst) states.atMoment(at);
        return at.command === command.name && at.name === moment ? { cut: kept } : 'go';
      };
      boots.push(await twin.boot([...before, command], decide));
    }
    boots.push(await twin.boot(RECOVER));
    if (process.env.TWIN_VERBOSE)
      for (const { cutAt, tookMs, moments } of boots)
        console.log(`${cutAt}: ${Math.round(tookMs)} ms`, moments);
    judged = await states.judge();
    const torn = judged.filter(({ isTorn }) => isTorn).length;
    console.log(
      `x86: power cuts: ${judged.length} disks looked at, ${torn} of them with zeros in the journal`,
    );
  }, 1_500_000);

  afterAll(() => twin?.dispose());

  describe.each(cuts.map((cut, index) => ({ ...cut, index })))(
    '$name',
    ({ command, moment, index, journal, says }) => {
      it('is cut there', () => {
        expect(boots[index]!.cutAt, boots[index]!.moments.join('\n')).toBe(`${command.name}: ${moment}`);
      });

      it('leaves a journal, which the next boot finds on a file system that it puts right', () => {
        const { mount, messages, left } = boots[index + 1]!.mounted;
        expect(mount.status, mount.stderr).toBe(0);
        expect(messages.join('\n')).toContain('recovery complete');
        expect(
          left.filter((file) => file.includes('/journal/')).map((file) => file.replace(/-\d+-\d+/, '')),
        ).toEqual([`/var/lib/gpuvm/journal/${journal}.ndjson`]);
      });

      if (says === undefined) return;

      it('is recovered from, with nothing left bound, locked or written down', () => {
        const next = boots[index + 1]!;
        const { ended, state, left } = next.command('recover');
        expect(ended.status, ended.stdout + ended.stderr).toBe(0);
        for (const line of says) expect(ended.stdout.split('\n')).toContain(line);
        expect(state, 'as it was before the first cut').toEqual(boots[0]!.mounted.state);
        expect(left).toEqual([]);
      });

      it('is recovered from once', () => {
        const { ended } = boots[index + 1]!.command('again');
        expect(ended).toMatchObject({
          status: 0,
          stdout: '',
          stderr: 'gpuvm: there is nothing to recover from\n',
        });
      });
    },
  );

  describe('any disk that a cut could have left while a device was bound and given back', () => {
    it('was looked at: at each write to sysfs, there and back', () => {
      const moments = boots[0]!.moments;
      const driver = '/sys/bus/pci/drivers';
      const override = `/sys/bus/pci/devices/${E1000E}/driver_override`;
      expect(moments.filter((name) => name.endsWith('to be written')).slice(0, 6)).toEqual([
        `bind: ${driver}/e1000e/unbind is to be written`,
        `bind: ${override} is to be written`,
        'bind: /sys/bus/pci/drivers_probe is to be written',
        `unbind: ${driver}/vfio-pci/unbind is to be written`,
        `unbind: ${override} is to be written`,
        `unbind: ${driver}/e1000e/bind is to be written`,
      ]);
      expect(judged.length).toBeGreaterThan(60);
    });

    it('has each record of which the change was begun', () => {
      const missing = judged.filter((one) => one.missing.length > 0);
      expect(missing.map(({ name, missing }) => `${name}: not on the disk: ${missing.join(', ')}`)).toEqual(
        [],
      );
    });

    it('is recovered from', () => {
      const bad = judged.filter(({ ok, left, again }) => !ok || left.length > 0 || again > 0);
      expect(
        bad.map(({ name, recovered, left }) => `${name}: ${recovered.join()}; left: ${left.join()}`),
      ).toEqual([]);
    });
  });
});
