// The same in node:test: node --test examples/testing/gpu.node-test.mjs
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startVm } from 'gpuvm/testing';

test('the guest powers its GPU up, and leaves it as it was', async (t) => {
  const vm = await startVm('examples/simulated-orin.yaml', { test: t, record: true });

  const enabled = await vm.waitForEvent('transfer', ({ text }) => text === 'CLK ENABLE GPUSYS (304)');
  assert.equal(enabled.verdict, 'allow');

  const report = await vm.ended;
  assert.equal(report.ending, 'guest-shutdown');
  assert.equal(report.release?.failed, 0);
});
