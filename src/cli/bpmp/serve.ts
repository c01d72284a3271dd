import { rm, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { windowBars } from '../../bpmp/bridge/vfio-user/index.js';
import { loadPolicy } from '../../bpmp/policy/index.js';
import { type BridgeEnded, startBridge } from '../../bpmp/worker/index.js';
import { GpuvmError } from '../../errors.js';
import { vfioUserDevices, WINDOW_SLOT } from '../../qemu/index.js';
import { CaptureToDisk, captureHeader } from '../../vm/index.js';
import type { Call } from '../command.js';
import { type Context, wantsColour } from '../context.js';
import { BridgeView } from '../run/bridge-view.js';
import { paintFor } from '../run/paint.js';
import { onStopSignals } from '../run/signals.js';

/** What its transfers are recorded as; who connects has no name. */
const VM = 'serve';
const layouts = ['auto', 'shared', 'trapped'] as const;

export async function run({ options }: Call, { stdout, stderr, json }: Context): Promise<number> {
  const socketPath = String(options.socket);
  const watch = options.watch === true;
  const learnedFile = options.learned === undefined ? undefined : String(options.learned);
  const policy = await loadPolicy(String(options.policy));
  const guestAddress = parseAddress(options.address);
  const paint = paintFor(wantsColour(stderr.stream));
  const note = (text: string) => stderr.line(`${paint.faint('gpuvm:')} ${text}`);
  const capture = captureOf(options.capture, policy.file, note);
  await capture?.open();
  const handle = await startBridge({
    vm: VM,
    policy: { file: policy.file, text: policy.text },
    backend: options.simulated
      ? { kind: 'simulated' }
      : { kind: 'host-device', path: String(options.device ?? '/dev/bpmp-host') },
    bridge: {
      kind: 'vfio-user',
      socketPath,
      layout: parseLayout(options.layout),
      keepListening: true,
      ...(guestAddress === undefined ? {} : { guestAddress }),
    },
    record: watch,
  });
  const releaseSignals = onStopSignals(() => void handle.close());
  capture?.follow(handle);
  const follow = () => {
    const view = new BridgeView({ watch, paint, note, learnedFile });
    view.follow(handle);
    return view;
  };
  const view = follow();
  handle.on('guest-ended', (ended) => view.end(ended));

  const stubPath = `${socketPath}.stub`;
  const bars = windowBars(handle.ready.window!.guestAddress);
  const qemu = vfioUserDevices({ devices: [{ socketPath, slot: WINDOW_SLOT }], bars, stubPath });
  await writeFile(stubPath, qemu.stub);
  note('serving; a QEMU 10.1 or newer that is started with these arguments has the window (Ctrl-C ends)');
  if (json) stdout.json({ socket: socketPath, window: handle.ready.window, arguments: qemu.arguments });
  else stdout.line(qemu.arguments.map(quoteForShell).join(' '));

  const ended = await handle.ended;
  await capture?.close();
  releaseSignals();
  await rm(stubPath, { force: true });
  return finish(ended, view);
}

function captureOf(given: unknown, policy: string, note: (text: string) => void): CaptureToDisk | undefined {
  if (given === undefined) return undefined;
  const header = captureHeader(VM, `bridge vfio-user, policy ${policy}`);
  return new CaptureToDisk({ file: resolve(String(given)) }, header, note);
}

function finish(ended: BridgeEnded, view: BridgeView): number {
  view.end(ended);
  if (ended.end.reason === 'fault') throw new GpuvmError('GPUVM_BRIDGE', ended.end.message);
  return 0;
}

function parseLayout(given: unknown): (typeof layouts)[number] {
  const layout = layouts.find((known) => known === (given ?? 'auto'));
  if (layout) return layout;
  throw new GpuvmError(
    'GPUVM_USAGE',
    `--layout is one of ${layouts.join(', ')}, not ${JSON.stringify(given)}`,
  );
}

function parseAddress(given: unknown): bigint | undefined {
  if (given === undefined) return undefined;
  if (/^0x[0-9a-f]{1,16}$/i.test(String(given))) return BigInt(String(given));
  throw new GpuvmError(
    'GPUVM_USAGE',
    `--address takes an address such as 0x10800b00, not ${JSON.stringify(given)}`,
  );
}

function quoteForShell(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
