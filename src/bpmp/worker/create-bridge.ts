import type { Bridge, Control, RequestHandler } from '../bridge/bridge.js';
import type { BridgeConfig, InterposedConfig, IvcConfig, VfioUserConfig } from './config.js';
import type { BridgeReady } from './messages.js';

export interface CreatedBridge {
  readonly bridge: Bridge;
  readonly ready: Omit<BridgeReady, 'guest'>;
}

/** Makes the bridge that the configuration names. Only the one that is used is loaded. */
export function createBridge(
  config: BridgeConfig,
  handler: RequestHandler,
  control: Control,
): Promise<CreatedBridge> {
  const { bridge } = config;
  switch (bridge.kind) {
    case 'vfio-user':
      return createVfioUser(bridge, handler);
    case 'ivc':
      return createIvc(bridge, handler);
    case 'interposed':
      return createInterposed(bridge, handler, control);
  }
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

async function createIvc(
  { sockets, layout, keepListening }: IvcConfig,
  handler: RequestHandler,
): Promise<CreatedBridge> {
  const { IvcBridge } = await import('../bridge/vfio-user/index.js');
  const bridge = new IvcBridge({ sockets, layout, keepListening, handler });
  await bridge.listening;
  return { bridge, ready: { notes: [bridge.layoutReason] } };
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
