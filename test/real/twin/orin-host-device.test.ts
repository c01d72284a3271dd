import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { hasProgram } from '../programs.js';
import type { hostDeviceCases } from './inside/host-device-cases.js';
import type { mediatorCases } from './inside/host-device-mediator.js';
import type { Report } from './inside/report.js';
import { Twin } from './twin.js';

/**
 * gpuvm and `/dev/bpmp-host` on a real kernel: the device is that of module/bpmp_host.c, which takes transfers as the published
 * driver does, by ioctl too, has a firmware behind it and logs what it was asked. The twin sees, here it is judged.
 */
const DEADLINE_MS = 500_000;
const inside = (name: string) => fileURLToPath(new URL(`inside/${name}`, import.meta.url));
const isAble = process.arch === 'arm64' || hasProgram('aarch64-linux-gnu-gcc');
const { errno } = constants;

type Cases = typeof hostDeviceCases & typeof mediatorCases;
type Saw<Name extends keyof Cases> = Awaited<ReturnType<Cases[Name]>>;

const modes = ['threaded', 'blocking'] as const;
const forms = ['write', 'ioctl'] as const;

describe.skipIf(!isAble)('/dev/bpmp-host on a real kernel (Orin twin)', () => {
  let twin: Twin;

  beforeAll(async () => {
    twin = await Twin.run({
      kind: 'orin',
      script: inside('host-device.ts'),
      programs: [inside('host-device-probe.c')],
      deadlineMs: DEADLINE_MS,
    });
    if (process.env.TWIN_VERBOSE) console.log(twin.stderr, twin.tookMs);
  }, DEADLINE_MS + 300_000);

  /** What a case saw. It must have left the firmware's clocks, resets and domains as they were, and nothing open. */
  function saw<Name extends keyof Cases>(name: Name, left: readonly string[] = []): Saw<Name> {
    const report = twin.reported(name) as Report<Saw<Name>>;
    if ('error' in report) throw new Error(`in the twin: ${report.error}`);
    expect(report.left, `what the case ${name} left behind, as the module has it`).toEqual(left);
    return report.saw;
  }

  it('comes with the module, and goes with it', () => {
    expect(twin.reported('loaded')).toMatchObject({ absentBefore: true });
    expect(twin.reported('unloaded')).toEqual({ status: 0, stderr: '' });
    expect(twin.console).not.toMatch(/BUG:|WARNING:|Oops|Unable to handle|hung_task/);
  });

  describe('how a transfer is handed over', () => {
    it.each(modes.flatMap((mode) => (['write', 'ioctl', 'both'] as const).map((form) => ({ mode, form }))))(
      'to a driver that takes $form, $mode',
      ({ mode, form }) => {
        const { answers, stats, calls } = saw('forms')[`${form}, ${mode}`]!;
        expect(answers).toEqual([
          { ret: 0, rx: '2a000000' },
          { ret: 0, rx: 'dc010000' },
          { ret: 0, rx: expect.stringMatching(/^67707500/) },
          { ret: -errno.EINVAL, rx: '' },
        ]);
        const used = form === 'write' ? 'write' : 'ioctl';
        expect(calls, 'the calls that the driver saw').toEqual([used, used, used, used]);
        expect(stats).toEqual({ transfers: 4, form: used, errors: {}, pending: 0 });
      },
    );

    it.each(modes)('is write(2) for good once the driver has said ENOTTY to the ioctl (%s)', (mode) => {
      const { before, after, stats, calls } = saw('ioctl-dropped')[mode]!;
      expect(before.ret).toBe(0);
      // The driver now has the ioctl alone, and refuses a write.
      expect(after.ret).toBe(-errno.EINVAL);
      expect(calls).toEqual(['write']);
      expect(stats).toMatchObject({ form: 'write', errors: { EINVAL: 1 } });
    });
  });

  describe('the module is as strict as the published driver', () => {
    it.each(forms)('with what no code of gpuvm sends, by %s', (form) => {
      const right = form === 'write' ? 48 : 0;
      const own =
        form === 'write'
          ? { '0 bytes': -errno.EINVAL, '47 bytes': -errno.EINVAL, '49 bytes': -errno.EINVAL }
          : { 'another ioctl': -errno.ENOTTY, 'an ioctl of another size': -errno.ENOTTY };
      expect(saw('mistakes')[form]).toEqual({
        right,
        ret: 0,
        rxSize: 16,
        reply: 42,
        ...own,
        'tx of a frame': right,
        'tx over a frame': -errno.EINVAL,
        'rx over a frame': -errno.EINVAL,
        'tx over 512': -errno.EINVAL,
        'rx over 512': -errno.EINVAL,
        'tx without end': -errno.EINVAL,
        'tx nowhere': -errno.EFAULT,
        'rx nowhere': -errno.EFAULT,
        'rx that cannot be written': -errno.EFAULT,
        'message nowhere': -errno.EFAULT,
      });
    });
  });

  describe('what the driver refuses is the answer, by its errno', () => {
    const names = [
      'EPERM',
      'ENODEV',
      'EINVAL',
      'EOVERFLOW',
      'EFAULT',
      'EIO',
      'EAGAIN',
      'ENOMEM',
      'EBUSY',
      'ETIMEDOUT',
    ] as const;
    const all = forms.flatMap((form) => names.map((name) => ({ form, name })));
    it.each(all)('$name, by $form', ({ form, name }) => {
      for (const mode of modes) {
        const { answer, errors, logged, refusal, next } = saw('errnos')[form]![`${name}, ${mode}`]!;
        expect(logged, `the errno that the driver gave (${mode})`).toBe(errno[name]);
        expect(answer, mode).toEqual({ ret: -errno[name], rx: '' });
        expect(errors, mode).toEqual({ [name]: 1 });
        expect(refusal, mode).toContain(
          `the driver of /dev/bpmp-host answered ${name}, and not the firmware`,
        );
        expect(next, 'the next transfer').toEqual({ ret: 0, rx: '06000000' });
      }
    });
  });

  describe('gpuvm bpmp send', () => {
    it('tells the error of the firmware from that of the driver', () => {
      const { firmware, EPERM, short } = saw('send');
      expect(firmware).toEqual({ status: 1, stdout: 'CLK ENABLE #13: -22 (EINVAL)\n', stderr: '' });
      expect(EPERM.status).toBe(1);
      expect(JSON.parse(EPERM.stdout)).toMatchObject({
        reply: { ret: -1 },
        refusal: expect.stringMatching(/answered EPERM, and not the firmware: .*allowed-clocks/),
      });
      expect(short.status).toBe(1);
      expect(short.stdout).toBe(
        'PING challenge=1: -5 (EIO)\n  the driver of /dev/bpmp-host answered EIO, and not the firmware: it failed, or took only a part of the message\n',
      );
    });

    it('says in one line that there is no device, or that it is not for this user', () => {
      expect(saw('send')['no-device']).toEqual({
        status: 69,
        stdout: '',
        stderr:
          'gpuvm: no /dev/bpmp-host: the host kernel lacks the BPMP host proxy, or its module is not loaded\n',
      });
      expect(saw('unprivileged')).toEqual({
        status: 69,
        stdout: '',
        stderr:
          'gpuvm: cannot open /dev/bpmp-host: permission denied: run as a user who may read and write it\n',
        log: [],
      });
    });
  });

  describe('signals during a transfer', () => {
    it.each(forms)('interrupt a program that does not hold them off (%s)', (form) => {
      const { delayMs, programs } = saw('signals');
      const program = programs[form]!;
      expect(program).toMatchObject({
        'without SA_RESTART': -errno.EINTR,
        'without SA_RESTART: signals': 1,
        'with SA_RESTART': form === 'write' ? 48 : 0,
        'with SA_RESTART: signals': 1,
      });
      expect(program['without SA_RESTART: ms'], 'ms until EINTR').toBeLessThan(delayMs);
      expect(program['with SA_RESTART: ms'], 'ms with the transfer begun again').toBeGreaterThan(delayMs);
    });

    it.each(modes.flatMap((mode) => forms.map((form) => ({ mode, form }))))(
      'do not cut short one of gpuvm, $mode, by $form',
      ({ mode, form }) => {
        const { answers, signals, log } = saw('signals').own[`${mode}, ${form}`]!;
        expect(signals, 'signals that came').toBeGreaterThan(0);
        expect(answers.map(({ ret, rx }) => [ret, rx])).toEqual([
          [0, '02000000'],
          [0, '04000000'],
          [0, '06000000'],
        ]);
        expect(log, 'what the driver did of each transfer').toEqual([0, 0, 0]);
      },
    );
  });

  describe('a firmware that takes half a second', () => {
    it('keeps neither the main loop nor a second device waiting in vain', () => {
      const { delayMs, answers, order, pending, tookMs, turns, longestMs } = saw('slow');
      expect(answers.map(({ ret }) => ret)).toEqual([0, 0, 0, 0, 0]);
      expect(pending, 'transfers under way on either device').toEqual([3, 2]);
      expect(
        order.filter((name) => name <= '3'),
        'the order on one device',
      ).toEqual(['1', '2', '3']);
      expect(tookMs, 'ms for five: they take turns').toBeGreaterThanOrEqual(5 * delayMs);
      expect(order.indexOf('4'), 'the second device waits for no more than its turn').toBeLessThan(4);
      expect(turns, 'turns of the main loop').toBeGreaterThan(50);
      expect(longestMs, 'ms that the main loop stood at most').toBeLessThan(delayMs);
    });

    it('and one that hangs: 256 wait, more are refused, and closing does not wait', () => {
      const { refused, answers, closeMs, stillOpen, openAfter } = saw('hanging');
      expect(refused).toEqual([-errno.EBUSY]);
      expect(answers).toEqual([-errno.ENODEV]);
      expect(closeMs).toBeLessThan(2_000);
      expect({ stillOpen, openAfter }, 'as the driver counts').toEqual({ stillOpen: 1, openAfter: 0 });
    });

    it('does not keep a process from ending', () => {
      const { ended } = saw('hanging');
      expect(ended).toMatchObject({ by: 'SIGTERM', open: 0 });
      expect(ended.ms).toBeLessThan(20_000);
    });
  });

  describe('sizes', () => {
    it('passes on nothing of what others left in the frame, and leaves the rest of the room alone', () => {
      const { reply } = saw('sizes').stale;
      expect(reply).toEqual({ ret: 0, rxSize: 4, rx: `02000000${'00'.repeat(116)}${'ee'.repeat(8)}` });
    });

    it('sends zeros for what is missing of a request that was cut short', () => {
      const { cutShort, cutShortLog } = saw('sizes').stale;
      expect(cutShortLog).toMatchObject({ mrq: 22, txSize: 120, tx: '53000002000000000000000000000000' });
      expect(cutShort, "NVDEC's least rate, and nothing behind it").toEqual({
        ret: 0,
        rx: '30f2d60600000000',
      });
    });

    it('believes no driver that tells of more than there is room for', () => {
      const { tooMuch, tooLittle, exact } = saw('sizes').told;
      expect(tooMuch).toEqual({ ret: 0, rx: '02000000' });
      expect(tooLittle).toEqual({ ret: 0, rx: '0200' });
      expect(exact.rx).toHaveLength(2 * 113);
    });

    it('hands over up to a frame, has more than that refused by the kernel, and more than 512 bytes by nobody but itself', () => {
      const { frame, overFrame, most, overMost, calls } = saw('sizes').limits;
      expect([frame.ret, overFrame.ret, most.ret, overMost.ret]).toEqual([
        0,
        -errno.EINVAL,
        -errno.EINVAL,
        -errno.EINVAL,
      ]);
      expect(calls, 'sizes of the requests that the driver saw').toEqual([120, 121, 512]);
    });
  });

  describe('comings and goings', () => {
    it('is opened twice, and keeps the module while it is open', () => {
      const { openers, both, unload } = saw('goings');
      expect(openers).toBe(2);
      expect(both).toEqual([
        { ret: 0, rx: '02000000' },
        { ret: 0, rx: '04000000' },
      ]);
      expect(unload.status).not.toBe(0);
      expect(unload.stderr).toContain("can't unload module");
    });

    it('answers ENODEV where the device is gone, says so to who opens it, and goes on when it is back', () => {
      const { dead, reopened, back } = saw('goings');
      expect(dead.map(({ ret }) => ret)).toEqual([-errno.ENODEV, -errno.ENODEV]);
      expect(reopened).toEqual({
        code: 'GPUVM_HOST_DEVICE',
        message: 'no /dev/bpmp-host: the host kernel lacks the BPMP host proxy, or its module is not loaded',
      });
      expect(back.map(({ ret }) => ret)).toEqual([0, 0]);
    });

    it('takes a write of less than 48 bytes for an I/O error', () => {
      const { short, stats } = saw('goings');
      expect(short).toEqual([
        { ret: -errno.EIO, rx: '' },
        { ret: -errno.EIO, rx: '' },
      ]);
      for (const { errors } of stats) expect(errors).toEqual({ ENODEV: 1, EIO: 1 });
    });
  });

  /** What is not as in `before`: "-" gone, "+" come. */
  const change = (before: readonly string[], after: readonly string[]) => [
    ...before.filter((line) => !after.includes(line)).map((line) => `-${line}`),
    ...after.filter((line) => !before.includes(line)).map((line) => `+${line}`),
  ];

  /** What the guest's own requests change. */
  const HELD = [
    '-reset 19 asserted',
    '+clk 426 off rate 599250000',
    '+clk 304 on rate 114750000',
    '+clk 41 on rate 599250000',
    '+clk 83 off rate 408000000 parent 102',
    '+pg 35 on',
  ];
  const RELEASED = [
    'clock parent NVDEC',
    'reset GPU',
    'clock GPC0CLK',
    'clock rate GPC0CLK',
    'clock GPUSYS',
    'power domain GPU',
  ];
  const givenBack = RELEASED.map((resource) => expect.objectContaining({ resource, result: 'given-back' }));

  describe('the whole mediator in front of it', () => {
    it('answers each of the guest’s requests as the policy says', () => {
      const { requests, answers } = saw('decided');
      const got = Object.fromEntries(requests.map((request, index) => [request, answers[index]?.ret]));
      expect(got).toEqual({
        'ping 21': 0,
        'pg set-state GPU on': 0,
        'clk enable GPUSYS': 0,
        'clk set-rate GPC0CLK 600000000': 0,
        'clk enable GPC0CLK': 0,
        'reset deassert GPU': 0,
        'clk set-parent NVDEC PLLP_OUT0': 0,
        'clk disable OSC': 0,
        'clk set-rate GPC0CLK 2000000000': -1,
        'clk enable VIC': -1,
        'reset assert VIC': -1,
        'pg set-state VIC on': -1,
        'strap set 1 1': -1,
        '22 3001': -22,
        '4660 00000000': -1,
      });
      for (const { result } of answers) expect(result, 'what write(2) returned to the guest').toBe(48);
    });

    it('lets nothing that it denied, absorbed or found malformed through to the device', () => {
      const { asked, before, during } = saw('decided');
      expect(asked, 'the changes that the module was asked for').toEqual([
        '66 010000002300000001000000',
        '22 30010007',
        '22 29000002000000000046c32300000000',
        '22 29000007',
        '20 0200000013000000',
        '22 5300000566000000',
      ]);
      expect(change(before, during)).toEqual(HELD);
    });

    it('gives back what the guest held when the VM is stopped, the newest change first', () => {
      const { released, before, after, status, report } = saw('decided');
      expect(released).toEqual(
        [
          '22 53000005c7000000',
          '20 0100000013000000',
          '22 29000008',
          '22 290000020000000030f2d60600000000',
          '22 30010008',
          '66 010000002300000000000000',
        ].map((start) => expect.stringMatching(new RegExp(`^${start}`))),
      );
      expect(change(before, after)).toEqual([]);
      expect(status).toBe(5);
      expect(report).toMatchObject({ ending: 'stopped', release: { entries: givenBack, failed: 0 } });
    });

    it('answers EAGAIN past the limit of the policy, and lets no more through to the device', () => {
      const { tally, reached, report } = saw('limited');
      expect(tally.transfers).toBe(200);
      expect(tally.denied, 'requests that were not let through').toBeGreaterThan(100);
      expect(reached, 'requests that the module saw').toBe(200 - tally.denied);
      expect(report.requests).toEqual([
        expect.objectContaining({ request: 'CLK', verdict: 'allow', count: reached }),
        expect.objectContaining({ request: 'CLK', verdict: 'deny', count: tally.denied }),
      ]);
      expect(report.lastDecisions).toContainEqual(
        expect.objectContaining({ verdict: 'deny', ret: -errno.EAGAIN }),
      );
    });

    it('waits for a slow firmware on its own thread: the supervisor answers meanwhile', () => {
      const { asked, meanwhile, status } = saw('limited');
      expect(asked.status, asked.stderr).toBe(0);
      expect(meanwhile, 'transfers of 5 s each that ended while it was asked').toBeLessThan(20);
      expect(status).toBe(5);
    });
  });

  describe('what a guest switched on is given back when its supervisor was killed with SIGKILL', () => {
    it('not by itself: QEMU goes, and the ledger stays', () => {
      const { before, during, outlived } = saw('supervisor-killed');
      expect(outlived, 'whether QEMU outlived its supervisor').toBe(false);
      expect(change(before, during)).toEqual(HELD);
    });

    it('by gpuvm recover as far as the driver takes it, and no ledger is given up for what it refused', () => {
      const { before, refused, afterRefusal, kept } = saw('supervisor-killed');
      expect(refused.status, refused.stdout + refused.stderr).toBe(71);
      expect(refused.stdout).toContain('1 given back, 0 kept, 5 failed; 5 could not be given back');
      expect(change(before, afterRefusal), 'the reset alone was let through').toEqual(HELD.slice(1));
      expect(kept).toEqual(['supervisor-killed/ledger']);
    });

    it('by gpuvm recover, when the driver takes it', () => {
      const { before, after, recovered, ledgers } = saw('supervisor-killed');
      expect(recovered.status, recovered.stdout + recovered.stderr).toBe(0);
      expect(JSON.parse(recovered.stdout)).toMatchObject({
        ok: true,
        holdings: [{ vm: 'supervisor-killed', release: { givenBack: 5, kept: 0, failed: 0 } }],
      });
      expect(change(before, after)).toEqual([]);
      expect(ledgers).toEqual([]);
    });

    it('by the next start of the VM, before its guest asks for anything', () => {
      const { before, during, found, stderr } = saw('next-start');
      expect(change(before, during)).toEqual(HELD);
      expect(stderr).toContain(
        'an earlier run of this VM ended without giving back what it held: 6 given back now',
      );
      expect(
        found.map(({ ret, rx }) => [ret, rx]),
        'GPUSYS and the domain GPU, as the guest finds them',
      ).toEqual([
        [0, '00000000'],
        [0, '00000000'],
      ]);
    });
  });

  it('gives back what a guest switched on when its QEMU is killed', () => {
    const { before, again, after, status, report } = saw('next-start');
    expect(change(before, again)).toEqual(HELD);
    expect(change(before, after)).toEqual([]);
    expect(status).toBe(70);
    expect(report).toMatchObject({ ending: 'crash', release: { entries: givenBack, failed: 0 } });
  });
});
