import type { Bridge, Control, RequestHandler } from '../bridge/bridge.js';
import type { KeptIn } from '../bridge/vfio-user/index.js';
import type { BridgeConfig, InterposedConfig, IvcConfig, TakeOver, VfioUserConfig } from './config.js';
import { cannotTakeOver } from './hand-over.js';
import type { BridgeReady } from './messages.js';
import { BRIDGE_AT, BRIDGE_ROOM, type StateMemory } from './state-memory.js';

export interface CreatedBridge {
  readonly bridge: Bridge;
  readonly ready: Omit<BridgeReady, 'guest'>;
}

/** Makes the bridge that the configuration names. Only the one that is used is loaded. */
export function createBridge(
  config: BridgeConfig,
  handler: RequestHandler,
  control: Control,
  onDescriptors: () => void,
  state: StateMemory,
): Promise<CreatedBridge> {
  const { bridge, takeOver } = config;
  const kept: KeptIn = {
    memory: state.memory,
    offset: BRIDGE_AT,
    size: BRIDGE_ROOM,
    ...(takeOver && { taken: takeOver.fds }),
    onDescriptors,
  };
  switch (bridge.kind) {
    case 'vfio-user':
      return createVfioUser(bridge, kept, handler);
    case 'ivc':
      return createIvc(bridge, kept, handler);
    case 'interposed':
      return createInterposed(bridge, takeOver, handler, control, onDescriptors);
  }
}

async function createVfioUser(
  { socketPath, listenerFd, layout, guestAddress, keepListening }: VfioUserConfig,
  kept: KeptIn,
  handler: RequestHandler,
): Promise<CreatedBridge> {
  const { VfioUserBridge } = await import('../bridge/vfio-user/index.js');
  const bridge = new VfioUserBridge({
    socketPath,
    listenerFd,
    layout,
    guestAddress,
    keepListening,
    handler,
    // Only what one guest leaves is passed on.
    ...(keepListening !== true && { kept }),
  });
  await bridge.listening;
  return { bridge, ready: { notes: [bridge.layoutReason], window: bridge.window } };
}

async function createIvc(
  { sockets, layout, keepListening }: IvcConfig,
  kept: KeptIn,
  handler: RequestHandler,
): Promise<CreatedBridge> {
  const { IvcBridge } = await import('../bridge/vfio-user/index.js');
  const bridge = new IvcBridge({
    sockets,
    layout,
    keepListening,
    handler,
    ...(keepListening !== true && { kept }),
  });
  await bridge.listening;
  return { bridge, ready: { notes: [bridge.layoutReason] } };
}

async function createInterposed(
  { socketFd, devicePath, oldKernel }: InterposedConfig,
  takeOver: TakeOver | undefined,
  handler: RequestHandler,
  control: Control,
  onDescriptors: () => void,
): Promise<CreatedBridge> {
  const { fromDescriptors, InterposedBridge } = await import('../bridge/interposed/index.js');
  const common = { devicePath, oldKernel, handler, control, onDescriptors };
  let bridge: Bridge;
  if (takeOver === undefined) bridge = new InterposedBridge({ ...common, socketFd: socketFd ?? -1 });
  else {
    const taken = fromDescriptors(takeOver.fds);
    if (taken === undefined) throw cannotTakeOver('its listener was not kept');
    bridge = new InterposedBridge({ ...common, takeOver: taken });
  }
  return { bridge, ready: { notes: [] } };
}
