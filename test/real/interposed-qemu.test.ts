import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { emptyQcow2 } from '../bpmp/bridge/interposed/harness/qcow2.js';
import { isBuilt, standinPreload, type Tally } from '../bpmp/bridge/interposed/harness/standin.js';
import { startGuest } from '../bpmp/bridge/interposed/harness/supervise.js';

const has = (program: string) => spawnSync(program, ['--version']).status === 0;
const isRoot = process.getuid?.() === 0;
const COUNT = 2000;

const qemus = [
  { qemu: 'qemu-system-x86_64', machine: ['-M', 'pc'] },
  { qemu: 'qemu-system-aarch64', machine: ['-M', 'virt', '-cpu', 'cortex-a72'] },
].filter(({ qemu }) => has(qemu));

const ways = [
  { way: 'as it comes', args: [], needsRoot: false },
  { way: 'with its own seccomp sandbox', args: ['-sandbox', 'on'], needsRoot: false },
  { way: 'with its privileges dropped', args: ['-runas', 'nobody'], needsRoot: true },
];

describe.skipIf(!isBuilt || qemus.length === 0)('a thread inside a real QEMU', () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'gpuvm-interposed-'));
    writeFileSync(join(directory, 'disk.qcow2'), emptyQcow2(64 << 20));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  const cases = qemus.flatMap((which) => ways.map((how) => ({ ...which, ...how })));
  it.each(cases)('$qemu $way', async ({ qemu, machine, args, needsRoot }) => {
    if (needsRoot && !isRoot) return console.warn(`skipped: ${qemu} -runas needs root`);
    const report = join(directory, `report-${qemu}-${args.join('')}`);
    const disk = `file=${join(directory, 'disk.qcow2')},format=qcow2,if=none,id=disk`;
    // By env(1), so that the thread starts in QEMU and not in the wrapper.
    const words = [
      `LD_PRELOAD=${standinPreload}`,
      `GPUVM_STANDIN_REPORT=${report}`,
      `GPUVM_STANDIN_COUNT=${COUNT}`,
      // QEMU opens its disks, enters its sandbox and drops its privileges in this time.
      'GPUVM_STANDIN_WAIT_MS=1500',
      qemu,
      ...machine,
      ...[
        '-nodefaults',
        '-display',
        'none',
        '-m',
        '64',
        '-drive',
        disk,
        '-device',
        'virtio-blk-pci,drive=disk',
      ],
      ...args,
    ];
    const guest = startGuest('env', words, { handler: 'echo' });
    const isOver = guest.exited.then(() => true);
    for (let text = ''; !text.endsWith('\n'); text = readReport(report)) {
      if (await Promise.race([isOver, wait(100, false)])) break;
    }
    const isRunning = guest.child.exitCode === null;
    const user = userOf(guest.child.pid);
    guest.child.kill('SIGTERM');
    const { stderr } = await guest.exited;
    const { end, stats, report: seen } = await guest.bridge.result;

    expect(isRunning, stderr).toBe(true);
    if (needsRoot) expect(user).not.toBe(0);
    expect(JSON.parse(readReport(report)) as Tally).toMatchObject({ transfers: COUNT, wrong: 0, errors: {} });
    expect(seen).toMatchObject({ distinct: COUNT, moreThanOnce: 0 });
    // The disk's own opens for reading and writing went on as QEMU asked.
    expect(stats.continuedOpens).toBeGreaterThanOrEqual(1);
    expect(stats).toMatchObject({ standIns: 1, failedOpens: 0 });
    expect(end).toEqual({ reason: 'guest-gone' });
  });
});

function readReport(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function userOf(pid: number | undefined): number {
  const [, user] = /^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(user);
}
