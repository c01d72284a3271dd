import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { wrapCommand } from '../../../src/bpmp/bridge/interposed/index.js';
import type { DenialEvent, TransferRecord } from '../../../src/bpmp/mediator/index.js';
import { type BridgeConfig, type BridgeHandle, startBridge } from '../../../src/bpmp/worker/index.js';
import { addon } from '../../../src/native/index.js';

const root = resolve(import.meta.dirname, '../../..');
const file = resolve(root, 'examples/policies/gpu.yaml');
const standin = resolve(root, 'build/Release/gpuvm-standin');
const DEVICE = '/dev/bpmp-host';

interface Interposed {
  readonly handle: BridgeHandle;
  readonly stdout: string;
}

/** Runs a program with the whole of gpuvm's bridge in front of the device: thread, mediator, simulated BPMP. */
async function interpose(
  command: string,
  args: readonly string[],
  { onStart, ...config }: Partial<BridgeConfig> & { onStart?: (handle: BridgeHandle) => void } = {},
): Promise<Interposed> {
  const [ours, theirs] = addon().socketPair();
  const handle = await startBridge({
    vm: 'test',
    policy: { file, text: readFileSync(file, 'utf8') },
    backend: { kind: 'simulated' },
    bridge: { kind: 'interposed', socketFd: ours, devicePath: DEVICE },
    ...config,
  });
  onStart?.(handle);
  const wrapped = wrapCommand(command, args, { socketFd: 3 });
  const child = spawn(wrapped.file, wrapped.args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit', theirs],
  });
  closeSync(theirs);
  const [stdout] = await Promise.all([text(child.stdout!), once(child, 'exit')]);
  return { handle, stdout };
}

const client = (mode: string, ...requests: string[]): [string, string[]] => [
  process.execPath,
  ['--import', 'tsx', resolve(import.meta.dirname, 'host-device-client.ts'), DEVICE, mode, ...requests],
];

describe.each(['blocking', 'threaded'])(
  'the host device backend (%s) against the interposed bridge',
  (mode) => {
    it('makes transfers of 48 bytes by write(2), and gets the firmware’s answers', async () => {
      const { handle, stdout } = await interpose(
        ...client(
          mode,
          'ping 21',
          'clk enable GPUSYS',
          'clk is-enabled GPUSYS',
          'clk enable NVCSI',
          'clk disable OSC',
        ),
      );
      const { answers, stats } = JSON.parse(stdout);
      expect(answers.map(({ ret, rx }: { ret: number; rx: string }) => [ret, rx])).toEqual([
        [0, '2a000000'],
        [0, ''],
        [0, '01000000'],
        [-1, ''],
        [0, ''],
      ]);
      expect(stats).toMatchObject({ transfers: 5, form: 'write', errors: {}, pending: 0 });
      const { end, release, snapshot } = await handle.ended;
      expect(end).toEqual({ reason: 'guest-gone' });
      expect(snapshot.totals).toEqual({ allow: 3, deny: 1, absorb: 1, malformed: 0 });
      expect(release.entries).toEqual([
        { resource: 'clock GPUSYS', from: 'on', to: 'off', result: 'given-back' },
      ]);
    });
  },
);

describe('the bridge’s thread', () => {
  it('hands over every transfer, and each denial with the line that would allow it', async () => {
    const records: TransferRecord[] = [];
    const denials: DenialEvent[] = [];
    const { handle } = await interpose(...client('blocking', 'ping 1', 'clk enable NVCSI'), {
      record: true,
      onStart: (started) => {
        started.on('transfers', (batch) => records.push(...batch));
        started.on('denial', (denial) => denials.push(denial));
      },
    });
    await handle.ended;
    expect(records.map(({ mrq, verdict, ret }) => [mrq, verdict, ret])).toEqual([
      [0, 'allow', 0],
      [22, 'deny', -1],
    ]);
    expect(denials).toEqual([expect.objectContaining({ mrq: 22, ret: -1, fix: 'clocks: {NVCSI: use}' })]);
  });

  it('hands over what it learned in mode learn', async () => {
    const text = 'version: 1\nmode: learn\nview: full\nclocks:\n  GPUSYS: use\n';
    const { handle } = await interpose(...client('blocking', 'clk enable NVCSI', 'clk enable GPUSYS'), {
      policy: { file: 'learn.yaml', text },
    });
    const { learned } = await handle.ended;
    expect(learned).toMatch(/mode: enforce[\s\S]*NVCSI: use/);
  });

  it('answers questions while it serves, and ends when it is told to', async () => {
    const [ours, theirs] = addon().socketPair();
    const handle = await startBridge({
      vm: 'test',
      policy: { file, text: readFileSync(file, 'utf8') },
      backend: { kind: 'simulated' },
      bridge: { kind: 'interposed', socketFd: ours },
    });
    const { file: wrapper, args } = wrapCommand(
      standin,
      ['--count', '4000000000', '--mrq', '0', '--no-verify'],
      {
        socketFd: 3,
      },
    );
    const child = spawn(wrapper, args, { stdio: ['ignore', 'ignore', 'ignore', theirs] });
    closeSync(theirs);
    const transfers = async () => (await handle.snapshot()).totals.allow;
    await expect.poll(transfers, { timeout: 20_000 }).toBeGreaterThan(1000);
    expect(await handle.backendState()).toMatchObject({ clocks: expect.anything() });
    const { end } = await handle.close();
    expect(end).toEqual({ reason: 'closed' });
    await expect(handle.snapshot()).rejects.toMatchObject({ code: 'GPUVM_BRIDGE_CLOSED' });
    child.kill('SIGKILL');
    await once(child, 'exit');
  });

  it('refuses a policy with a mistake before anything serves', async () => {
    const [ours, theirs] = addon().socketPair();
    const starting = startBridge({
      vm: 'test',
      policy: { file: 'bad.yaml', text: 'version: 1\nclocks:\n  GPUSIS: use\n' },
      backend: { kind: 'simulated' },
      bridge: { kind: 'interposed', socketFd: ours },
    });
    await expect(starting).rejects.toMatchObject({
      code: 'GPUVM_POLICY',
      message: expect.stringMatching(/^bad.yaml:3/),
    });
    closeSync(theirs);
  });
});
