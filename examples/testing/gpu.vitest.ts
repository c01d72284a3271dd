// A VM in a test of vitest's; in a project with gpuvm as a dependency it is a test like any other.

import { startVm } from 'gpuvm/testing';
import { expect, test } from 'vitest';

test('the guest powers its GPU up, and leaves it as it was', async (context) => {
  // The VM ends with the test, and is written down where the test fails.
  const vm = await startVm('examples/simulated-orin.yaml', { test: context, record: true });

  const enabled = await vm.waitForEvent('transfer', ({ text }) => text === 'CLK ENABLE GPUSYS (304)');
  expect(enabled).toMatchObject({ verdict: 'allow', ret: 0 });

  const report = await vm.ended;
  expect(report.ending).toBe('guest-shutdown');
  expect(report.release).toMatchObject({ failed: 0, kept: 0 });
});
