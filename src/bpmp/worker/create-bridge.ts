import type { Bridge, Control, RequestHandler } from '../bridge/bridge.js';
import type { BridgeConfig, InterposedConfig, VfioUserConfig } from './config.js';
import type { BridgeReady } from './messages.js';

export interface CreatedBridge {
  readonly bridge: Bridge;
  readonly ready: BridgeReady;
}

/** Makes the bridge that the configuration names. Only the one that is used is loaded. */
export function createBridge(
  config: BridgeConfig,
  handler: RequestHandler,
  control: Control,
): Promise<CreatedBridge> {
  return config.bridge.kind === 'vfio-user'
    ? createVfioUser(config.bridge, handler)
    : createInterposed(config.bridge, handler, control);
}

async function createVfioUser(
  { socketPath, layout, guestAddress, keepListening }: VfioUserConfig,
  handler: RequestHandler,
): Promise<CreatedBridge> {
  const { VfioUserBridge } = await import('../bridge/vfio-user/index.js');
  const bridge = new VfioUserBridge({ socketPath, layout, guestAddress, keepListening, handler });
  await bridge.listening;
  return { bridge, ready: { notes: [bridge.layoutReason], window: bridge.window } };
}

async function createInterposed(
  { socketFd, devicePath, oldKernel }: InterposedConfig,
  handler: RequestHandler,
  control: Control,
): Promise<CreatedBridge> {
  const { InterposedBridge } = await import('../bridge/interposed/index.js');
  const bridge = new InterposedBridge({ socketFd, devicePath, oldKernel, handler, control });
  return { bridge, ready: { notes: [] } };
}
