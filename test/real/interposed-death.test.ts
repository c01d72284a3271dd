import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { HandOver } from '../../src/bpmp/bridge/interposed/index.js';
import { addon } from '../../src/native/index.js';
import {
  isBuilt,
  standin,
  supervisorProcess,
  type Tally,
} from '../bpmp/bridge/interposed/harness/standin.js';
import { startBridgeThread, startGuest } from '../bpmp/bridge/interposed/harness/supervise.js';

/** Starts a supervisor, kills it with SIGKILL amid transfers, and returns what the orphaned guest printed. */
async function killSupervisor(handler: string): Promise<{ tally: Tally; tookMs: number }> {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', supervisorProcess, handler, '--count', '100000000', '--stop-on-error', '--no-verify'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let printed = '';
  child.stdout.on('data', (chunk) => {
    printed += chunk;
  });
  while (!printed.startsWith('serving\n') && child.exitCode === null) await wait(20);
  await wait(200);
  const start = performance.now();
  child.kill('SIGKILL');
  // The pipe ends when the guest has printed and is gone too.
  await once(child, 'close');
  return { tally: JSON.parse(printed.slice('serving\n'.length)) as Tally, tookMs: performance.now() - start };
}

/** Copies of the descriptors, as another process would have them. */
function duplicate({ listenerFd, journalFd, memory, waitKillable }: HandOver): HandOver {
  const [from, to] = addon().socketPair();
  const fds = new Int32Array([listenerFd, journalFd, ...memory.map(([, fd]) => fd)]);
  addon().unixSend(from, Uint8Array.of(0), 0, 1, fds);
  const received = new Int32Array(fds.length + 1);
  addon().unixReceive(to, new Uint8Array(1), 0, 1, received);
  addon().closeFd(from);
  addon().closeFd(to);
  const [, listener, journal, ...rest] = received;
  return {
    listenerFd: listener,
    journalFd: journal,
    waitKillable,
    memory: memory.map(([process], index) => [process, rest[index]] as const),
  };
}

describe.skipIf(!isBuilt)('the end of an interposed bridge', () => {
  it.each(['echo', 'hung'])(
    'a supervisor killed with -9 leaves its guest with ENOSYS, not waiting (%s)',
    async (handler) => {
      const { tally, tookMs } = await killSupervisor(handler);
      expect(tally.errors).toEqual({ ENOSYS: 1 });
      if (handler === 'echo') expect(tally.transfers).toBeGreaterThan(100);
      expect(tookMs).toBeLessThan(5000);
    },
  );

  it.each(['echo', 'later', 'hung'] as const)(
    'a guest killed amid transfers ends the bridge (%s)',
    async (handler) => {
      const guest = startGuest(standin, ['--count', '100000000', '--no-verify'], { handler });
      await guest.bridge.serving();
      guest.child.kill('SIGKILL');
      const { end, stats } = await guest.bridge.result;
      expect(end).toEqual({ reason: 'guest-gone' });
      expect(stats.requests).toBeGreaterThan(0);
      await guest.exited;
    },
  );

  it.each(['echo', 'hung'] as const)('closing makes the guest fail and not wait (%s)', async (handler) => {
    const guest = startGuest(standin, ['--count', '100000000', '--no-verify', '--stop-on-error'], {
      handler,
    });
    await guest.bridge.serving();
    guest.bridge.close();
    expect((await guest.bridge.result).end).toEqual({ reason: 'closed' });
    expect((JSON.parse((await guest.exited).stdout) as Tally).errors).toEqual({ ENOSYS: 1 });
  });

  it.each(['echo', 'hung'] as const)(
    'so does the end of its thread, whatever ended that (%s)',
    async (handler) => {
      const guest = startGuest(standin, ['--count', '100000000', '--no-verify', '--stop-on-error'], {
        handler,
      });
      await guest.bridge.serving();
      guest.bridge.result.catch(() => {});
      guest.bridge.terminate();
      expect((JSON.parse((await guest.exited).stdout) as Tally).errors).toEqual({ ENOSYS: 1 });
    },
  );

  it('a program that cannot be executed ends the bridge', async () => {
    const guest = startGuest('/no/such/program', [], { handler: 'echo' });
    expect(await guest.exited).toMatchObject({
      code: 127,
      stderr: expect.stringMatching(/^gpuvm-exec: \/no\/such\/program: .*\n$/),
    });
    expect((await guest.bridge.result).end).toEqual({ reason: 'guest-gone' });
  });

  it('a wrapper that fails before it has a listener is a fault', async () => {
    const [ours, theirs] = addon().socketPair();
    const bridge = startBridgeThread({ handler: 'echo', socketFd: ours });
    addon().closeFd(theirs);
    expect((await bridge.result).end).toMatchObject({
      reason: 'fault',
      message: expect.stringMatching(/gpuvm-exec/),
    });
  });

  it('closing before there is a guest is no fault', async () => {
    const [ours, theirs] = addon().socketPair();
    const bridge = startBridgeThread({ handler: 'echo', socketFd: ours });
    await wait(500);
    bridge.close();
    expect((await bridge.result).end).toEqual({ reason: 'closed' });
    addon().closeFd(theirs);
  });

  it('a second listener in one chain is refused with the reason', async () => {
    const { wrapCommand } = await import('../../src/bpmp/bridge/interposed/index.js');
    const inner = wrapCommand('true', [], { socketFd: 3 });
    const guest = startGuest(inner.file, inner.args, { handler: 'echo' });
    expect(await guest.exited).toMatchObject({
      code: 124,
      stderr: expect.stringMatching(/container runtime/),
    });
  });

  it.each([
    // I2C: a transfer made twice is another thing than one made once.
    {
      mrq: 5,
      what: 'answers EIO to what was under way, and does not execute it',
      errors: { EIO: 1 },
      count: 3,
    },
    { mrq: 22, what: 'executes anew what may be executed twice', errors: {}, count: 4 },
  ])('a successor $what, and serves the rest', async ({ mrq, errors, count }) => {
    const guest = startGuest(standin, ['--count', '4', '--mrq', `${mrq}`], { handler: 'hung' });
    await guest.bridge.serving();
    const handOver = duplicate(await guest.bridge.handOver());
    guest.bridge.close();
    expect((await guest.bridge.result).report).toMatchObject({ distinct: 1 });

    const successor = startBridgeThread({ handler: 'echo', takeOver: handOver });
    const printed = JSON.parse((await guest.exited).stdout) as Tally;
    const { end, stats, report } = await successor.result;
    expect(printed).toMatchObject({ transfers: count, wrong: 0, errors });
    expect(stats).toMatchObject({ abandoned: 4 - count, repeated: count - 3, requests: count });
    expect(report).toMatchObject({ distinct: count, executions: count });
    expect(end).toEqual({ reason: 'guest-gone' });
  });
});
