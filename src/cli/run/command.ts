import { writeFileSync } from 'node:fs';
import type { BridgeThread } from '../../bpmp/worker/thread.js';
import { loadVmFile } from '../../config/index.js';
import { GpuvmError } from '../../errors.js';
import { type EndReport, endings, VirtualMachine } from '../../vm/index.js';
import type { Call } from '../command.js';
import { type Context, wantsColour } from '../context.js';
import type { BridgeView, BridgeViewOptions } from './bridge-view.js';
import { EventLog } from './event-log.js';
import { attachKeyboard } from './keyboard.js';
import { paintFor } from './paint.js';
import { onStopSignals } from './signals.js';
import { QemuLines } from './stderr.js';
import { SharedTerminal } from './terminal.js';

export async function run(
  { args: [file], options }: Call,
  context: Context,
  thread?: BridgeThread,
): Promise<number> {
  const { stdin, stdout, stderr, json, verbose } = context;
  const config = await loadVmFile(file!, { checkFiles: true });
  const watch = options.watch === true;
  const learnedFile = options.learned === undefined ? undefined : String(options.learned);
  const log = options.events === undefined ? undefined : await EventLog.open(String(options.events));
  // With --json standard output is for data alone.
  const terminal = json ? new SharedTerminal(stderr, stderr, true) : new SharedTerminal(stdout, stderr);
  const paint = paintFor(wantsColour(stderr.stream));
  const note = (text: string) => terminal.note(`${paint.faint('gpuvm:')} ${text}`);

  if (config.bridge.kind === 'none') thread?.abandon();
  let view: BridgeView | undefined;
  const vm = new VirtualMachine(config, {
    record: watch || log !== undefined,
    async startBridge(own) {
      const { startBridge } = await import('../../bpmp/worker/index.js');
      const starting = startBridge(own, thread);
      // Loaded while the bridge comes up, and there when it does.
      const opening = openView({ watch, paint, note, log, learnedFile });
      [view] = await Promise.all([opening, starting]);
      return starting;
    },
  });
  const stop = () => vm.stop();
  let releaseKeyboard = () => {};
  vm.on('state', (state) => {
    log?.write('state', { vm: config.name, state });
    if (verbose) note(`state: ${state}`);
  });
  vm.on('bridge', (bridge) => view?.follow(bridge));
  if (options.saveDtb !== undefined) vm.on('tree', (blob) => saveTree(String(options.saveDtb), blob));
  vm.on('qemu', ({ pid, console }) => {
    log?.write('qemu', { pid });
    terminal.attach(console.output);
    releaseKeyboard = attachKeyboard(stdin, console.input, stop);
  });
  const qemuLines = new QemuLines(vm, note);
  vm.on('rung', ({ rung, timeMs }) => {
    log?.write('rung', { rung, timeMs });
    note(`stopping: ${rung}, for at most ${timeMs / 1000} s (Ctrl-C again goes on to the next step)`);
  });
  vm.on('bridge-ended', (ended) => view?.end(ended));

  const releaseSignals = onStopSignals(stop);
  try {
    const report = await vm.run();
    log?.write('end', report);
    note(`${config.name}: ${report.message}`);
    if (json) stdout.json({ ...report, requests: view?.rows ?? [], totals: report.requests?.totals });
    return statusOf(report);
  } catch (error) {
    qemuLines.startFailed(error);
    log?.write('error', { message: error instanceof Error ? error.message : String(error) });
    throw error;
  } finally {
    releaseSignals();
    releaseKeyboard();
    terminal.flush();
    await log?.close();
  }
}

/** The protocol's tables are loaded only where there are requests to be shown. */
async function openView(options: BridgeViewOptions): Promise<BridgeView> {
  const { BridgeView } = await import('./bridge-view.js');
  return new BridgeView(options);
}

function saveTree(path: string, blob: Uint8Array): void {
  try {
    writeFileSync(path, blob);
  } catch (cause) {
    throw new GpuvmError('GPUVM_FILE', `the device tree cannot be saved: ${(cause as Error).message}`, {
      cause,
    });
  }
}

function statusOf({ ending }: EndReport): number {
  return endings[ending];
}
