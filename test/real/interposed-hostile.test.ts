import { describe, expect, it } from 'vitest';
import { isBuilt, runStandin, type Tally } from '../bpmp/bridge/interposed/harness/standin.js';

const COUNT = 1_000_000;

describe.skipIf(!isBuilt)('the interposed bridge and a hostile guest', () => {
  it(`answers ${COUNT} messages and calls that no driver makes with an error or a valid reply`, async () => {
    const before = process.memoryUsage().rss;
    const { printed, report, stats, end } = await runStandin<Tally>(
      ['--hostile', String(Date.now() % 1_000_000), '--count', String(COUNT)],
      { handler: 'echo' },
    );
    expect(end).toEqual({ reason: 'guest-gone' });
    expect(printed.wrong).toBe(0);
    expect(Object.keys(printed.errors).sort()).toEqual(['EBADF', 'EFAULT', 'EINVAL']);
    // Each of the four kinds must have come up in number.
    expect(Math.min(printed.transfers, ...Object.values(printed.errors))).toBeGreaterThan(COUNT / 100);
    expect(stats.failedOpens).toBeGreaterThan(COUNT / 1000);
    expect(report.malformed).toBe(stats.malformed);
    // Handled requests are those answered, and those whose reply had no place to go to.
    expect(stats.requests).toBeGreaterThanOrEqual(printed.transfers);
    expect(process.memoryUsage().rss - before).toBeLessThan(200e6);
  });
});
