import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import type { BridgeEnd } from '../../src/bpmp/bridge/bridge.js';
import {
  DEFAULT_WINDOW_ADDRESS,
  VfioUserBridge,
  type WindowLayout,
} from '../../src/bpmp/bridge/vfio-user/index.js';
import { EchoHandler } from '../bpmp/bridge/vfio-user/served.js';
import { canProbe, ProbeGuest, type ProbeResult, ProbeScript } from '../support/window-probe.js';

const able = canProbe();
const guest = able ? new ProbeGuest() : undefined;
afterAll(() => guest?.remove());

interface Run {
  readonly results: ProbeResult[];
  readonly handler: EchoHandler;
  readonly stats: Record<string, number>;
  readonly end: BridgeEnd;
}

async function run(
  script: ProbeScript,
  layout: WindowLayout,
  prepare?: (handler: EchoHandler) => void,
): Promise<Run> {
  const socketPath = join(guest!.folder, 'socket');
  const handler = new EchoHandler();
  prepare?.(handler);
  const bridge = new VfioUserBridge({
    socketPath,
    layout,
    guestAddress: script.window,
    handler,
    deadlineMs: 1000,
  });
  onTestFinished(() => bridge.close());
  await bridge.listening;
  const end = bridge.serve();
  const results = await guest!.run(script, socketPath);
  return { results, handler, end: await end, stats: bridge.stats() };
}

const script = () => new ProbeScript(DEFAULT_WINDOW_ADDRESS);
const ok = (rx: string): ProbeResult => ({ kind: 'transfer', ret: 0, rxSize: BigInt(rx.length / 2), rx });
const refused = (ret: number): ProbeResult => ({ kind: 'transfer', ret, rxSize: 0n, rx: '' });
const values = (results: ProbeResult[]) =>
  results.flatMap((result) => (result.kind === 'read' ? [result.value] : []));

describe.skipIf(!able).each(['trapped', 'shared'] as const)('a guest of a real QEMU, layout %s', (layout) => {
  it('transfers as the stock driver does, in as many accesses as the layout traps', async () => {
    const requests = Array.from({ length: 20 }, (_, i) => randomBytes([0, 1, 4, 8, 120, 511, 512][i % 7]!));
    const list = script();
    for (const [i, tx] of requests.entries()) list.transfer({ mrq: 20 + i, tx });
    const { results, handler, stats, end } = await run(list, layout);
    expect(results).toEqual(requests.map((tx) => ok(Buffer.from(tx.map((byte) => ~byte)).toString('hex'))));
    expect(handler.seen).toEqual(
      requests.map((tx, i) => ({ mrq: 20 + i, tx: tx.toString('hex'), room: 512 })),
    );
    const each = layout === 'trapped' ? 0x600 / 8 : 0x100 / 8;
    expect(stats).toMatchObject({ transfers: 20, trappedReads: 20 * each, trappedWrites: 20 * each });
    expect(end).toEqual({ reason: 'guest-gone' });
  });

  it('is refused sizes of any width', async () => {
    const tx = Buffer.alloc(8);
    const { results, handler } = await run(
      script()
        .transfer({ mrq: 22, tx, txSize: 513n })
        .transfer({ mrq: 22, tx, txSize: 0xffff_ffffn })
        .transfer({ mrq: 22, tx, txSize: (1n << 64n) - 1n })
        .transfer({ mrq: 22, tx, txSize: (1n << 32n) + 8n })
        .transfer({ mrq: 22, tx, rxSize: 513n })
        .transfer({ mrq: 22, tx, rxSize: 1n << 63n })
        .transfer({ mrq: 22, tx, rxSize: 0n }),
      layout,
    );
    expect(results).toEqual([...Array.from({ length: 6 }, () => refused(-22)), ok('')]);
    expect(handler.malformedSeen.length).toBe(6);
    expect(handler.seen.length).toBe(1);
  });

  it('starts a transfer by any access that covers the MRQ register, and by no other', async () => {
    const { handler } = await run(
      script()
        .write(8, 0x400, 0n)
        .write(8, 0x408, 0n)
        .write(1, 0x500, 0x11n)
        .write(2, 0x500, 0x2222n)
        .write(4, 0x500, 0x33333333n)
        .write(8, 0x500, 0x55555555_44444444n)
        .storePair(0x4f8, 0n, 0x66666666n)
        .storePair(0x500, 0x77777777n, 0n)
        .write(1, 0x501, 1n)
        .write(2, 0x502, 2n)
        .write(4, 0x504, 4n)
        .write(8, 0x4f8, 8n)
        .write(8, 0x508, 8n),
      layout,
    );
    // A narrow write changes its part of the register.
    const seen = handler.seen.map(({ mrq }) => mrq.toString(16));
    expect(seen).toEqual(['11', '2222', '33333333', '44444444', '66666666', '77777777']);
  });

  it('finds nothing and leaves nothing outside of the window', async () => {
    const outside = [0x600, 0x800, 0xff8, 0x13f8, ...(layout === 'trapped' ? [-8, -0x500, -0xb00] : [])];
    const list = script();
    for (const offset of outside) list.write(8, offset, 0x1122334455667788n);
    for (const offset of outside) list.read(8, offset);
    for (const size of [1, 2, 4, 8] as const)
      list.write(size, 0x5f8, 0xffff_ffff_ffff_ffffn >> BigInt(64 - 8 * size)).read(8, 0x5f8);
    list.storePair(0x5f8, 5n, 6n).read(8, 0x5f8).read(8, 0x600);
    const { results, handler } = await run(list, layout);
    expect(values(results)).toEqual([
      ...outside.map(() => 0n),
      ...[0xffn, 0xffffn, 0xffff_ffffn, 0xffff_ffff_ffff_ffffn],
      ...[5n, 0n],
    ]);
    expect(handler.seen).toEqual([]);
  });

  it('finds the window again after a reset, empty', async () => {
    const tx = Buffer.from('beef', 'hex');
    const { results, end } = await run(
      script()
        .read(8, 0)
        .read(8, 0x508)
        .transfer({ mrq: 1, tx })
        .write(8, 0x508, 9n)
        .reset()
        .transfer({ mrq: 2, tx }),
      layout,
    );
    const first = [{ kind: 'read', value: 0n }, { kind: 'read', value: 0n }, ok('4110')] as ProbeResult[];
    expect(results).toEqual([...first, { kind: 'reset' }, ...first, ok('4110')]);
    expect(end).toEqual({ reason: 'guest-gone' });
  });

  it('waits for an outcome that takes its time, and no longer than the deadline', async () => {
    const tx = Buffer.from('01', 'hex');
    const { results, stats } = await run(
      script().transfer({ mrq: 1, tx }).transfer({ mrq: 2, tx }).transfer({ mrq: 3, tx }),
      layout,
      (handler) => {
        handler.answer = async (mrq, _tx, rx) => {
          await sleep(mrq === 2 ? 1500 : 100);
          rx[0] = mrq;
          return { ret: -mrq, rxSize: 1 };
        };
      },
    );
    expect(results).toEqual([
      { kind: 'transfer', ret: -1, rxSize: 1n, rx: '01' },
      refused(-23),
      { kind: 'transfer', ret: -3, rxSize: 1n, rx: '03' },
    ]);
    expect(stats.late).toBe(1);
  });

  it('cannot race a second CPU against the checks', async () => {
    const list = script().startSecond([
      { size: 8, offset: 0x400, value: 4n },
      { size: 8, offset: 0, value: 0x1111_1111_1111_1111n },
      { size: 8, offset: 0x400, value: 0xffff_ffff_0000_0004n },
      { size: 8, offset: 0x400, value: 600n },
      { size: 8, offset: 0, value: 0x2222_2222_2222_2222n },
      { size: 8, offset: 0x408, value: 1n << 40n },
      { size: 8, offset: 0x400, value: 512n },
      { size: 8, offset: 0x408, value: 8n },
    ]);
    for (let i = 0; i < 400; i++) list.write(4, 0x500, BigInt(i));
    // Posted writes are through when a read is answered.
    list.read(8, 0x500).stopSecond();
    const bad: string[] = [];
    const { results, handler, stats } = await run(list, layout, (echo) => {
      echo.answer = (_mrq, tx, rx) => {
        const before = Buffer.from(tx).toString('hex');
        if (![0, 4, 512].includes(tx.length) || ![0, 8].includes(rx.length))
          bad.push(`${tx.length} ${rx.length}`);
        // Time for the other CPU.
        for (const until = performance.now() + 0.2; performance.now() < until; );
        if (Buffer.from(tx).toString('hex') !== before) bad.push('changed');
        return { ret: 0, rxSize: rx.length };
      };
    });
    expect(bad).toEqual([]);
    expect(stats.transfers).toBe(400);
    expect(handler.seen.length + handler.malformedSeen.length).toBe(400);
    expect(results.at(-1)).toMatchObject({ kind: 'second' });
    if (layout === 'shared') {
      // The race took place: the requests were of all kinds.
      expect(handler.seen.length).toBeGreaterThan(0);
      expect(handler.malformedSeen.length).toBeGreaterThan(0);
    }
  });

  it('reads all ones once the server was killed between two requests', async () => {
    const list = script().transfer({ mrq: 1, tx: Buffer.from('00', 'hex') });
    const { qemu, killServer } = await startWithServer(
      list.pause(1000).read(8, 0).read(8, 0x500).read(4, 0x510),
      layout,
    );
    await new Promise((resolve) => qemu.stdout.once('data', resolve));
    killServer();
    const { stdout, exitCode } = await qemu;
    // The shared page is the guest's own memory by now, and stays as it was.
    const below = layout === 'shared' ? '0000000000000000' : 'ffffffffffffffff';
    const lines = stdout.split('\n').map((line) => line.trim());
    expect(lines).toEqual([
      't 00000000 0000000000000001 ff',
      ...[`r ${below}`, 'r ffffffffffffffff', 'r 00000000ffffffff', 'end'],
    ]);
    expect(exitCode).toBe(0);
  });

  it('does not hang when the server is killed during a request', async () => {
    const list = script();
    for (let i = 0; i < 100_000; i++) list.read(8, 0x510);
    const { qemu, killServer } = await startWithServer(list, layout, 2000);
    let output = '';
    qemu.stdout.on('data', (chunk: Buffer) => {
      output += chunk;
    });
    while (output.length < 10_000 && qemu.exitCode === null) await sleep(5);
    killServer();
    // QEMU 11.1 may abort here (an error that is reported twice), or the guest reads all ones: either is an end.
    const ended = () =>
      qemu.exitCode !== null || qemu.signalCode !== null || output.includes('r ffffffffffffffff');
    for (const until = performance.now() + 10_000; performance.now() < until && !ended(); ) await sleep(10);
    expect(ended()).toBe(true);
  });
});

async function startWithServer(list: ProbeScript, layout: WindowLayout, messageTimeoutMs?: number) {
  const socketPath = join(guest!.folder, 'killed');
  const entry = join(import.meta.dirname, 'vfio-user-server.ts');
  const server = execa(process.execPath, ['--import', 'tsx', entry, socketPath, layout], { reject: false });
  onTestFinished(() => void server.kill('SIGKILL'));
  await new Promise((resolve) => server.stdout.once('data', resolve));
  const qemu = guest!.start(list, socketPath, { messageTimeoutMs });
  onTestFinished(() => void qemu.kill('SIGKILL'));
  return { qemu, killServer: () => void server.kill('SIGKILL') };
}

it.skipIf(!able)('a guest whose window lies elsewhere finds it there', async () => {
  const list = new ProbeScript(0x3efec000n).transfer({ mrq: 9, tx: Buffer.from('f0', 'hex') });
  const { results } = await run(list, 'trapped');
  expect(results).toEqual([ok('0f')]);
});
