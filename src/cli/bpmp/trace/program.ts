import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { wrapCommand } from '../../../bpmp/bridge/interposed/index.js';
import { CaptureFile, CaptureWriter, readCapture, type TransferRecord } from '../../../bpmp/capture/index.js';
import { type BridgeHandle, startBridge } from '../../../bpmp/worker/index.js';
import { GpuvmError } from '../../../errors.js';
import { addon } from '../../../native/index.js';
import type { Call } from '../../command.js';
import type { Output } from '../../output.js';
import { Notices } from '../source/notices.js';

export interface TracedProgram {
  readonly stderr: Output;
  readonly print: (batches: AsyncIterable<readonly TransferRecord[]>) => Promise<void>;
}

/** The end of the wrapper's socket in the child: the first behind standard error. */
const SOCKET_FD = 3;

/**
 * Runs a program whose opens of the BPMP device come to us instead, prints what it asks, and answers its exit status. What
 * it prints goes to standard error, as standard output has the transfers.
 */
export async function traceProgram(
  [program, ...args]: readonly string[],
  options: Call['options'],
  { stderr, print }: TracedProgram,
): Promise<number> {
  const vm = program!.split('/').at(-1) || 'program';
  const capture = options.capture === undefined ? undefined : await openCapture(String(options.capture), vm);
  try {
    const { handle, child } = await begin(vm, program!, args, options);
    const exited = exitOf(child);
    const release = passSignalsOn(child);
    try {
      const written = capture && writeTo(capture, handle);
      const notices = new Notices(stderr, vm);
      const printed = print(readCapture(pcapngOf(vm, handle), { onNotice: notices.onNotice, name: vm }));
      const status = await exited;
      // Others that it started may still have the device open; nobody looks at them any longer.
      const ended = await handle.close();
      await Promise.all([written, printed]);
      notices.end();
      if (ended.end.reason === 'fault') throw new GpuvmError('GPUVM_BRIDGE', ended.end.message);
      return status;
    } finally {
      release();
    }
  } finally {
    await capture?.close();
  }
}

async function openCapture(path: string, vm: string): Promise<CaptureFile> {
  return CaptureFile.open(path, { vms: [{ name: vm }] });
}

async function begin(
  vm: string,
  program: string,
  args: readonly string[],
  options: Call['options'],
): Promise<{ handle: BridgeHandle; child: ChildProcess }> {
  const { loadPolicy } = await import('../../../bpmp/policy/index.js');
  const policy = options.policy === undefined ? undefined : await loadPolicy(String(options.policy));
  const [ours, theirs] = addon().socketPair();
  try {
    const handle = await startBridge({
      vm,
      policy: policy === undefined ? 'none' : { file: policy.file, text: policy.text },
      backend: options.simulated
        ? { kind: 'simulated' }
        : { kind: 'host-device', path: String(options.device ?? '/dev/bpmp-host') },
      bridge: { kind: 'interposed', socketFd: ours },
    });
    for (const note of handle.ready.notes) process.stderr.write(`gpuvm: ${note}\n`);
    const command = wrapCommand(program, args, { socketFd: SOCKET_FD });
    const child = spawn(command.file, command.args, { stdio: ['inherit', 2, 2, theirs] });
    return { handle, child };
  } finally {
    addon().closeFd(theirs);
  }
}

/** The program's own status, or as a shell tells of a signal. */
function exitOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', (cause) =>
      reject(new GpuvmError('GPUVM_BRIDGE', `gpuvm-exec cannot be started: ${cause.message}`, { cause })),
    );
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)));
  });
}

/** Ctrl-C reaches the program by itself, and it decides; what else asks us to end is for it too. */
function passSignalsOn(child: ChildProcess): () => void {
  const nothing = () => {};
  const pass = (signal: NodeJS.Signals) => void child.kill(signal);
  process.on('SIGINT', nothing).on('SIGTERM', pass).on('SIGHUP', pass);
  return () => process.off('SIGINT', nothing).off('SIGTERM', pass).off('SIGHUP', pass);
}

/** Its transfers as a capture, as they come. What is not read in time is not waited for, and counted. */
async function* pcapngOf(vm: string, handle: BridgeHandle): AsyncGenerator<Uint8Array> {
  yield new CaptureWriter({ vms: [{ name: vm }] }).header();
  for await (const { blocks } of handle.captured()) yield blocks;
}

async function writeTo(capture: CaptureFile, handle: BridgeHandle): Promise<void> {
  for await (const { blocks, records, dropped } of handle.captured())
    await capture.appendBlocks(blocks, records, dropped);
}
