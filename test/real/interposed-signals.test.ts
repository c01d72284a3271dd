import { describe, expect, it } from 'vitest';
import { isBuilt, runStandin } from '../bpmp/bridge/interposed/harness/standin.js';

const storms = [
  { name: 'restarted by the kernel', args: ['--count', '4000', '--signal-hz', '4000'], handler: 'busy' },
  {
    name: 'repeated by the guest after EINTR, two threads',
    args: ['--count', '2000', '--threads', '2', '--signal-hz', '3000', '--no-restart'],
    handler: 'busy',
  },
  {
    name: 'while the backend has them, three threads',
    args: ['--count', '400', '--threads', '3', '--signal-hz', '2000'],
    handler: 'later',
  },
] as const;

describe.skipIf(!isBuilt)('the interposed bridge in a storm of signals', () => {
  for (const oldKernel of [false, true]) {
    const kernel = oldKernel ? 'without WAIT_KILLABLE_RECV' : 'with all that this kernel has';
    it.each(storms)(`executes each request once, ${kernel}: $name`, async ({ args, handler }) => {
      const { printed, report, stats } = await runStandin(args, { handler, oldKernel });
      expect(printed).toMatchObject({ wrong: 0, errors: {} });
      expect(printed.signals).toBeGreaterThan(50);
      expect(report).toMatchObject({ moreThanOnce: 0, executions: printed.transfers });
      // Old kernels lose answers; where none was lost, nothing was tested.
      if (oldKernel) expect(stats.lost + stats.rejoined).toBeGreaterThan(10);
      else expect(stats).toMatchObject({ lost: 0, replayed: 0, rejoined: 0 });
    });
  }
});
