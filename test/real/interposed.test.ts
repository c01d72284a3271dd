import { describe, expect, it } from 'vitest';
import { isBuilt, runStandin, supervisorProcess } from '../bpmp/bridge/interposed/harness/standin.js';
import { runAsNobody } from './nobody.js';

interface Reply {
  readonly result: number;
  readonly errno: number;
  readonly ret: number;
  readonly rx: string;
}

describe.skipIf(!isBuilt)('the interposed bridge and the stand-in client', () => {
  it('carries every request and its answer', async () => {
    const { printed, report, stats, end } = await runStandin(['--count', '5000'], { handler: 'echo' });
    expect(printed).toMatchObject({ transfers: 5000, denied: 0, wrong: 0, errors: {} });
    expect(report).toMatchObject({ distinct: 5000, executions: 5000, malformed: 0 });
    expect(stats).toMatchObject({ requests: 5000, standIns: 1, lost: 0, stale: 0, inFlight: 0 });
    expect(end).toEqual({ reason: 'guest-gone' });
  });

  it('carries payloads of every size, and cuts an answer to the room there is for it', async () => {
    const sizes = [0, 1, 4, 511, 512];
    for (const size of sizes) {
      const request = 'ab'.repeat(size);
      const { printed } = await runStandin<Reply>(['--request', request, '--rx-size', '512'], {
        handler: 'echo',
      });
      expect(printed).toEqual({ result: 48, errno: 0, ret: 0, rx: 'f1'.repeat(size) });
    }
    const { printed } = await runStandin<Reply>(['--request', 'abcdef01', '--rx-size', '2'], {
      handler: 'echo',
    });
    expect(printed).toEqual({ result: 48, errno: 0, ret: 0, rx: 'f197' });
  });

  it('answers a refused request with -EPERM and no bytes, and the write succeeds', async () => {
    const { printed } = await runStandin<Reply>(['--request', '01020304'], { handler: 'deny' });
    expect(printed).toEqual({ result: 48, errno: 0, ret: -1, rx: '' });
  });

  it('serves a forked child, and a process that dropped its privileges and closed its memory to others', async () => {
    for (const how of ['--fork', '--drop']) {
      const { printed } = await runStandin(['--count', '500', how], { handler: 'echo' });
      expect(printed, how).toMatchObject({ transfers: 500, wrong: 0, errors: {} });
    }
  });

  it.skipIf(process.getuid?.() !== 0)(
    'goes on where it may not open the memory of its guest any more',
    async () => {
      // As nobody, of another nobody whose memory is closed: only what was opened before the drop goes on working.
      const args = [supervisorProcess, 'echo', '--drop', '--threads', '3', '--count', '200'];
      const { stdout, stderr } = runAsNobody(['--import', 'tsx', ...args]);
      const printed = stdout.split('\n').find((line) => line.startsWith('{'));
      expect(JSON.parse(printed ?? stderr)).toMatchObject({ transfers: 600, wrong: 0, errors: {} });
    },
  );

  it('lets nothing through that was rewritten while it was under way', async () => {
    const { printed, report } = await runStandin(['--count', '50000', '--race'], { handler: 'race' });
    const { allowed, denied, changed } = report as { allowed: number; denied: number; changed: number };
    // Both words must have been seen often, or nothing raced.
    expect(Math.min(allowed, denied)).toBeGreaterThan(5000);
    expect(changed).toBe(0);
    expect(printed).toMatchObject({ transfers: 50000, denied, wrong: 0 });
  });

  it('serves several threads at once', async () => {
    const { printed, report } = await runStandin(['--count', '1000', '--threads', '4'], { handler: 'echo' });
    expect(printed).toMatchObject({ transfers: 4000, wrong: 0, errors: {} });
    expect(report).toMatchObject({ distinct: 4000, executions: 4000 });
  });

  it('answers the others while one thread waits for a slow backend', async () => {
    const { printed } = await runStandin(['--count', '5', '--threads', '3'], { handler: 'slowFirst' });
    expect(printed).toMatchObject({ transfers: 15, wrong: 0, errors: {} });
    // One thread's five requests take 200 ms each, so the median is another's.
    expect(printed.p50).toBeLessThan(50e6);
    expect(printed.max).toBeGreaterThan(190e6);
  });

  it('refuses with -EAGAIN what is more than the backend may have at once', async () => {
    const { printed, stats } = await runStandin(['--count', '1', '--threads', '6'], {
      handler: 'slowFirst',
      maxInFlight: 1,
    });
    expect(printed.transfers).toBe(6);
    expect(printed.denied).toBe(stats.refused);
  });

  it('gives a request up that takes too long, and goes on', async () => {
    const { printed, stats } = await runStandin(['--count', '4'], { handler: 'hung', deadlineMs: 200 });
    expect(printed).toMatchObject({ transfers: 3, errors: { ETIMEDOUT: 1 } });
    expect(printed.max).toBeLessThan(2e9);
    expect(stats).toMatchObject({ timedOut: 1, inFlight: 1 });
  });

  it('answers EIO for a handler with a defect', async () => {
    const { printed, stats } = await runStandin(['--count', '4'], { handler: 'throwing' });
    expect(printed).toMatchObject({ transfers: 0, errors: { EIO: 4 } });
    expect(stats.failed).toBe(4);
  });
});
