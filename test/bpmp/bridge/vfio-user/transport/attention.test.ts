import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Attention } from '../../../../../src/bpmp/bridge/vfio-user/transport/attention.js';

it('keeps the loop awake for a moment after a message, and not longer', async () => {
  const attention = new Attention();
  expect(attention.isAwake).toBe(false);
  attention.stay();
  attention.stay();
  expect(attention.isAwake).toBe(availableParallelism() > 1);
  await sleep(50);
  expect(attention.isAwake).toBe(false);
});
