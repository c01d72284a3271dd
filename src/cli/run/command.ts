import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { BridgeThread } from '../../bpmp/worker/thread.js';
import { loadVmFile, type VmConfig } from '../../config/index.js';
import { GpuvmError, HANDED_OVER } from '../../errors.js';
import { type CaptureSettings, endings, Supervisor, type SupervisorReport } from '../../vm/index.js';
import type { Call } from '../command.js';
import { type Context, wantsColour } from '../context.js';
import type { BridgeView, BridgeViewOptions } from './bridge-view.js';
import { Control } from './control.js';
import { EventLog } from './event-log.js';
import { attachKeyboard } from './keyboard.js';
import { MetricsPort } from './metrics.js';
import { paintFor } from './paint.js';
import { openService } from './service.js';
import { onStopSignals } from './signals.js';
import { QemuLines } from './stderr.js';
import { SharedTerminal } from './terminal.js';
import { typingInto } from './typist.js';

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
  // A thread serves once; a VM that is started again gets another.
  let begun = thread;
  const service = await openService();
  const takeOver = await service?.left(config.name);
  const vm: Supervisor = new Supervisor(config, {
    record: watch || log !== undefined,
    ...(options.capture !== undefined && { capture: captureOf(config, String(options.capture)) }),
    ...(service?.keeps && { handOver: true }),
    ...(takeOver && { takeOver }),
    async startBridge(own) {
      const { startBridge } = await import('../../bpmp/worker/index.js');
      const starting = startBridge(own, begun);
      begun = undefined;
      const bridge = await starting;
      // QEMU starts meanwhile, which takes longer than to load this.
      const record = (event: string, fields: object) => vm.record(event, fields);
      view = await openView({ watch, paint, note, record, learnedFile });
      return bridge;
    },
    beforeGuest: async () => {
      await control.open();
    },
  });
  if (log) vm.onEvent((event) => log.line(event));
  await service?.follow(vm);
  const control = new Control(vm, config, note);
  const metrics = config.metrics && new MetricsPort(vm, config.metrics, note);

  const stop = () => vm.stop();
  // Whoever asked: a signal, the keyboard, the control socket.
  vm.on('stop-asked', () => service?.stopping());
  let releaseKeyboard = () => {};
  if (verbose) vm.on('state', (state) => note(`state: ${state}`));
  vm.on('note', note);
  vm.on('hook-output', (line) => note(line));
  vm.on('bridge', (bridge) => view?.follow(bridge));
  if (options.saveDtb !== undefined) vm.on('tree', (blob) => saveTree(String(options.saveDtb), blob));
  vm.on('qemu', ({ console }) => terminal.attach(console.output));
  vm.once('qemu', () => {
    // Where it fails the guest is not let go, and that is when it is told.
    control.open().catch(() => undefined);
    metrics?.open();
    releaseKeyboard = attachKeyboard(stdin, typingInto(vm.console), stop);
  });
  const qemuLines = new QemuLines(vm, note);
  vm.on('rung', ({ rung, timeMs }) =>
    note(`stopping: ${rung}, for at most ${timeMs / 1000} s (Ctrl-C again goes on to the next step)`),
  );
  let written: string | undefined;
  vm.on('crash-report', ({ text }) => {
    written = text;
  });
  // Of the run that ended badly; the next one has another.
  const seeReport = () => {
    const see = written === undefined ? '' : `: see ${written}`;
    written = undefined;
    return see;
  };
  vm.on('restart', ({ number, delayMs, reason }) =>
    note(`${config.name}: ${reason}: start ${number + 1} in ${delayMs / 1000} s${seeReport()}`),
  );
  vm.on('bridge-ended', (ended) => view?.end(ended));

  const releaseSignals = onStopSignals(stop);
  const handOver = () => {
    if (!service?.keeps) return note('there is no service manager to hand the VM over to');
    // A successor that stumbles over the files would cost the guest its life.
    handing = checkFiles(file!)
      .then(() => service.handOver(vm))
      .catch((error: Error) => note(`not handed over: ${error.message}`));
  };
  let handing: Promise<void> | undefined;
  process.on('SIGUSR2', handOver);
  let lastWord = '';
  try {
    // Another VM of this name has a socket already; and nothing is changed on the host before it is known that there is none.
    if (control.mayBeTaken || changesHost(config)) await control.open();
    const report = await vm.run();
    lastWord = report.message;
    log?.write('end', report);
    note(`${config.name}: ${report.message}${seeReport()}`);
    if (json) stdout.json({ ...report, requests: view?.rows ?? [], totals: report.requests?.totals });
    return statusOf(report);
  } catch (error) {
    qemuLines.startFailed(error);
    const see = seeReport();
    if (see !== '') note(`${config.name}: it did not start${see}`);
    lastWord = error instanceof Error ? error.message : String(error);
    log?.write('error', { message: lastWord });
    throw error;
  } finally {
    await handing;
    releaseSignals();
    process.off('SIGUSR2', handOver);
    releaseKeyboard();
    terminal.flush();
    await control.close();
    await metrics?.close();
    await service?.close(lastWord);
    await log?.close();
  }
}

/** Where the command line would have them; how many and how large is the VM file's matter, or nobody's. */
function captureOf({ bridge, capture, name }: VmConfig, file: string): CaptureSettings {
  if (bridge.kind !== 'none') return { ...capture, file: resolve(file) };
  throw new GpuvmError('GPUVM_USAGE', `${name} has no transfers to capture: its VM file has no bridge`);
}

function changesHost({ hooks, platformDevices, pciDevices }: VmConfig): boolean {
  return hooks.preStart.length + platformDevices.length + pciDevices.length > 0;
}

/** The protocol's tables are loaded only where there are requests to be shown. */
async function openView(options: BridgeViewOptions): Promise<BridgeView> {
  const { BridgeView } = await import('./bridge-view.js');
  return new BridgeView(options);
}

/** Whether the VM file and its policy can be started from as they are now. Throws what is wrong with them. */
async function checkFiles(file: string): Promise<void> {
  const { policy } = await loadVmFile(file, { checkFiles: true });
  if (policy === undefined) return;
  const { loadPolicy } = await import('../../bpmp/policy/index.js');
  await loadPolicy(policy);
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

function statusOf({ ending }: SupervisorReport): number {
  return ending === 'handed-over' ? HANDED_OVER : endings[ending];
}
