import { readFile, writeFile } from 'node:fs/promises';
import type { BridgeHandle, InterposedConfig, startBridge, VfioUserConfig } from '../bpmp/worker/index.js';
import type { BridgeChoice, VmConfig } from '../config/index.js';
import { GpuvmError } from '../errors.js';
import { type QemuCommand, requireVfioUser, vfioUserWindow } from '../qemu/index.js';
import type { RuntimeFolder } from './runtime-folder.js';

/** One VM's bridge, and what it changes about how QEMU is started. */
export interface VmBridge {
  readonly handle: BridgeHandle;
  readonly qemuArguments: readonly string[];
  /** The command that starts QEMU so that the bridge can stand in its way. */
  wrap(command: QemuCommand): QemuCommand;
  /** QEMU has inherited what it needed; our copies go. */
  spawned(): void;
}

export interface BridgeOptions {
  readonly record: boolean;
  /** Tests put their own here. */
  readonly start?: typeof startBridge;
}

/** Brings the bridge up that the VM file asks for; undefined for none. */
export async function openBridge(
  config: VmConfig,
  folder: RuntimeFolder,
  options: BridgeOptions,
): Promise<VmBridge | undefined> {
  const { bridge, policy } = config;
  if (bridge.kind === 'none' || policy === undefined) return undefined;
  // The bridge's thread, the addon and the protocol's tables are loaded only where there is a bridge.
  const start = options.start ?? (await import('../bpmp/worker/index.js')).startBridge;
  const common = {
    vm: config.name,
    policy: { file: policy, text: await readFile(policy, 'utf8') },
    backend: config.backend,
    record: options.record,
  };
  try {
    return bridge.kind === 'vfio-user'
      ? await openVfioUser(config, bridge, folder, (own) => start({ ...common, bridge: own }))
      : await openInterposed(bridge, (own) => start({ ...common, bridge: own }));
  } catch (error) {
    return explain(error, config, common.policy);
  }
}

/** The thread hands over an error's line alone; what else people need of it is found again here. */
async function explain(
  error: unknown,
  config: VmConfig,
  policy: { readonly file: string; readonly text: string },
): Promise<never> {
  if (GpuvmError.is(error, 'GPUVM_POLICY')) {
    const { parsePolicy } = await import('../bpmp/policy/index.js');
    parsePolicy(policy.text, { file: policy.file });
  }
  if (GpuvmError.is(error, 'GPUVM_CONFIG') && error.place === undefined) {
    throw new GpuvmError('GPUVM_CONFIG', error.message, { cause: error, place: { file: config.file } });
  }
  throw error;
}

type Started<B> = (bridge: B) => Promise<BridgeHandle>;

async function openVfioUser(
  { qemu }: VmConfig,
  { layout, guestAddress }: Extract<BridgeChoice, { kind: 'vfio-user' }>,
  folder: RuntimeFolder,
  start: Started<VfioUserConfig>,
): Promise<VmBridge> {
  const socketPath = folder.file('bridge');
  const started = start({
    kind: 'vfio-user',
    socketPath,
    layout,
    ...(guestAddress === undefined ? {} : { guestAddress }),
  });
  // Asking the QEMU and starting the thread take about as long; neither waits for the other.
  const [suitable, bridge] = await Promise.allSettled([requireVfioUser(qemu.binary), started]);
  if (bridge.status === 'rejected') throw bridge.reason;
  const handle = bridge.value;
  try {
    if (suitable.status === 'rejected') throw suitable.reason;
    const { windowBars } = await import('../bpmp/bridge/vfio-user/index.js');
    const stubPath = folder.file('boot-stub');
    const bars = windowBars(handle.ready.window!.guestAddress);
    const { arguments: qemuArguments, stub } = vfioUserWindow({ socketPath, bars, stubPath });
    await writeFile(stubPath, stub);
    return { handle, qemuArguments, wrap: (command) => command, spawned: () => {} };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function openInterposed(
  { device }: Extract<BridgeChoice, { kind: 'interposed' }>,
  start: Started<InterposedConfig>,
): Promise<VmBridge> {
  const [{ addon, Descriptor }, { wrapCommand }] = await Promise.all([
    import('../native/index.js'),
    import('../bpmp/bridge/interposed/index.js'),
  ]);
  const [ours, theirs] = addon().socketPair();
  const child = new Descriptor(theirs);
  try {
    const handle = await start({ kind: 'interposed', socketFd: ours, devicePath: device });
    const wrap = ({ command, args }: QemuCommand): QemuCommand => {
      const wrapped = wrapCommand(command, args, { socketFd: FIRST_EXTRA_FD });
      return { command: wrapped.file, args: wrapped.args, extraFds: [child.fd] };
    };
    return { handle, qemuArguments: [], wrap, spawned: () => child.close() };
  } catch (error) {
    child.close();
    throw error;
  }
}

/** The first descriptor after stdin, stdout and stderr. */
const FIRST_EXTRA_FD = 3;
