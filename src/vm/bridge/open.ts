import { readFile } from 'node:fs/promises';
import type { startBridge, TakeOver, VfioUserConfig } from '../../bpmp/worker/index.js';
import type { VmConfig } from '../../config/index.js';
import { GpuvmError } from '../../errors.js';
import type { RuntimeFolder } from '../runtime-folder.js';
import type { Named } from '../tree/index.js';
import type { VmBridge } from './bridge.js';

export interface BridgeOptions {
  readonly record: boolean;
  /** What of the BPMP's the guest's device tree names, where gpuvm makes that tree. */
  readonly named?: Promise<Named> | undefined;
  /** Where what the guest holds of a real BPMP is written through to, for whoever gives it back if we cannot. */
  readonly ledgerFile?: string | undefined;
  /** Go on with a bridge that another process had, instead of a new one. */
  readonly takeOver?: TakeOver | undefined;
  /** Tests put their own here. */
  readonly start?: typeof startBridge | undefined;
}

/** Begins the bridge that the VM file asks for, which may be up later (`ready`); undefined for none. */
export async function openBridge(
  config: VmConfig,
  folder: RuntimeFolder,
  options: BridgeOptions,
): Promise<VmBridge | undefined> {
  const { bridge, policy } = config;
  if (bridge.kind === 'none' || policy === undefined) return undefined;
  // The bridge's thread, the addon and the protocol's tables are loaded only where there is a bridge.
  const start = options.start ?? (await import('../../bpmp/worker/index.js')).startBridge;
  const named = await options.named;
  const common = {
    vm: config.name,
    policy: { file: policy, text: await readFile(policy, 'utf8') },
    backend: config.backend,
    ...(named && { named }),
    record: options.record,
    // What is held of a simulated BPMP lies beside it, in the bridge's own state.
    ...(options.ledgerFile && config.backend.kind === 'host-device' && { ledgerFile: options.ledgerFile }),
    ...(options.takeOver && { takeOver: options.takeOver }),
  };
  try {
    switch (bridge.kind) {
      case 'vfio-user': {
        const { openVfioUser } = await import('./vfio-user.js');
        const begin = (own: VfioUserConfig) =>
          start({ ...common, bridge: own }).catch((error) => explain(error, config, common.policy));
        return await openVfioUser(bridge, folder, begin, options.takeOver !== undefined);
      }
      case 'ivc': {
        const { openIvc } = await import('./vfio-user.js');
        return await openIvc(bridge, folder, (own) => start({ ...common, bridge: own }));
      }
      case 'interposed': {
        const { openInterposed } = await import('./interposed.js');
        const isTakenOver = options.takeOver !== undefined;
        return await openInterposed(bridge, (own) => start({ ...common, bridge: own }), isTakenOver);
      }
    }
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
    const { parsePolicy } = await import('../../bpmp/policy/index.js');
    parsePolicy(policy.text, { file: policy.file });
  }
  if (GpuvmError.is(error, 'GPUVM_CONFIG') && error.place === undefined) {
    throw new GpuvmError('GPUVM_CONFIG', error.message, { cause: error, place: { file: config.file } });
  }
  throw error;
}
