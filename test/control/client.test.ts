import { afterEach, beforeEach, expect, it } from 'vitest';
import { ControlClient, findVm } from '../../src/control/index.js';
import { FakeVm } from './fake-vm.js';
import { Sandbox } from './sandbox.js';

let sandbox: Sandbox;
let vm: FakeVm;

beforeEach(() => {
  sandbox = new Sandbox();
  vm = new FakeVm();
});
afterEach(() => sandbox.clear());

it('asks for the status', async () => {
  await sandbox.serve(vm);
  const client = await findVm('orin', sandbox.env);
  expect(await client.status()).toEqual(await vm.status());
});

it('pauses, resumes, resets and stops', async () => {
  await sandbox.serve(vm);
  const client = new ControlClient({ path: sandbox.path('orin') });
  expect(await client.pause()).toMatchObject({ state: 'paused' });
  expect(await client.resume()).toMatchObject({ state: 'running' });
  expect(await client.reset()).toMatchObject({ state: 'running' });
  expect(await client.stop()).toMatchObject({ state: 'stopping' });
  expect(vm.calls).toEqual(['pause', 'resume', 'reset', 'stop']);
});
