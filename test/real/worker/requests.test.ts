import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { wrapCommand } from '../../../src/bpmp/bridge/interposed/index.js';
import { tegra234 } from '../../../src/bpmp/tegra234/index.js';
import { parseRequestWords } from '../../../src/bpmp/wire/index.js';
import { type BridgeConfig, type BridgeHandle, startBridge } from '../../../src/bpmp/worker/index.js';
import { addon } from '../../../src/native/index.js';

const file = resolve(import.meta.dirname, '../../../examples/policies/gpu.yaml');
const text = readFileSync(file, 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'gpuvm-requests-'));
afterAll(() => rmSync(folder, { recursive: true }));

const start = (bridge: BridgeConfig['bridge'], more: Partial<BridgeConfig> = {}) =>
  startBridge({ vm: 'test', policy: { file, text }, backend: { kind: 'simulated' }, bridge, ...more });

async function ask(handle: BridgeHandle, words: string): Promise<[number, string, string]> {
  const { mrq, tx } = parseRequestWords(words.split(' '), tegra234);
  const { ret, rx, verdict } = await handle.request(mrq, tx);
  return [ret, Buffer.from(rx).toString('hex'), verdict];
}

/** What is asked of every bridge, with nobody but us asking. */
async function asks(handle: BridgeHandle): Promise<void> {
  expect(await ask(handle, 'ping 21')).toEqual([0, '2a000000', 'allow']);
  expect(await ask(handle, 'clk enable GPUSYS')).toEqual([0, '', 'allow']);
  expect(await ask(handle, 'clk disable OSC')).toEqual([0, '', 'absorb']);
  expect(await ask(handle, 'clk enable NVCSI')).toEqual([-1, '', 'deny']);
  expect(await handle.request(22, new Uint8Array(2))).toMatchObject({ ret: -22, verdict: 'malformed' });
  const many = await Promise.all(Array.from({ length: 200 }, () => ask(handle, 'clk is-enabled GPUSYS')));
  expect(new Set(many.map(String))).toEqual(new Set([String([0, '01000000', 'allow'])]));
  expect((await handle.snapshot()).holdings).toEqual([
    { resource: 'clock GPUSYS', before: 'off', now: 'on' },
  ]);
}

/** What was changed that way is given back at the end, like what the guest changed. */
async function ends(handle: BridgeHandle): Promise<void> {
  const { release } = await handle.close();
  expect(release).toMatchObject({ givenBack: 1, failed: 0 });
  await expect(handle.request(0, new Uint8Array(4))).rejects.toMatchObject({ code: 'GPUVM_BRIDGE_CLOSED' });
}

describe('requests that are not the guest’s', () => {
  it('are answered by a vfio-user bridge', async () => {
    const handle = await start({ kind: 'vfio-user', socketPath: join(folder, 'window'), layout: 'trapped' });
    await asks(handle);
    await ends(handle);
  });

  it('are answered by an ivc bridge', async () => {
    const sockets = { hsp: join(folder, 'hsp'), sram: join(folder, 'sram') };
    const handle = await start({ kind: 'ivc', sockets, layout: 'auto' });
    await asks(handle);
    await ends(handle);
  });

  it('are answered by an interposed bridge, whose thread waits in the kernel for its guest', async () => {
    const [ours, theirs] = addon().socketPair();
    const handle = await start({ kind: 'interposed', socketFd: ours, devicePath: '/dev/bpmp-host' });
    const { file: program, args } = wrapCommand('sleep', ['60'], { socketFd: 3 });
    const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit', theirs] });
    closeSync(theirs);
    const gone = once(child, 'exit');
    await asks(handle);
    child.kill('SIGKILL');
    await gone;
    expect((await handle.ended).release).toMatchObject({ givenBack: 1, failed: 0 });
  });

  it('are within the VM’s rate', async () => {
    const limited = `${text}limit: { perSecond: 1, burst: 2, exceeded: deny }\n`;
    const handle = await start(
      { kind: 'vfio-user', socketPath: join(folder, 'limited'), layout: 'trapped' },
      { policy: { file, text: limited } },
    );
    const answers = [];
    for (let i = 0; i < 3; i++) answers.push(await handle.request(0, Uint8Array.of(i, 0, 0, 0)));
    expect(answers.map(({ ret, verdict, rule }) => [ret, verdict, rule]).at(-1)).toEqual([
      -11,
      'deny',
      'built-in: rate limit',
    ]);
    await handle.close();
  });
});
