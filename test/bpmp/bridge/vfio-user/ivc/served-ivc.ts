import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { BridgeEnd } from '../../../../../src/bpmp/bridge/bridge.js';
import { IvcBridge, type IvcBridgeOptions } from '../../../../../src/bpmp/bridge/vfio-user/index.js';
import { VfioUserClient } from '../../../../support/vfio-user-client.js';
import { EchoHandler, temporaryFolder } from '../served.js';
import { FakeGuest } from './fake-guest.js';

export interface ServedIvc {
  readonly bridge: IvcBridge;
  readonly handler: EchoHandler;
  readonly end: Promise<BridgeEnd>;
  readonly sockets: { readonly hsp: string; readonly sram: string };
  /** A guest that has connected to both devices; closed with the test. */
  connect(): Promise<FakeGuest>;
}

/** A bridge that serves until the test ends. */
export async function serveIvc(options: Partial<IvcBridgeOptions> = {}): Promise<ServedIvc> {
  const folder = temporaryFolder();
  const sockets = { hsp: join(folder, 'hsp'), sram: join(folder, 'sram') };
  const handler = new EchoHandler();
  const bridge = new IvcBridge({ sockets, layout: 'trapped', handler, ...options });
  await bridge.listening;
  const end = bridge.serve();
  onTestFinished(() => bridge.close());
  const connect = async () => {
    const [hsp, sram] = [new VfioUserClient(sockets.hsp), new VfioUserClient(sockets.sram)];
    await hsp.start();
    await sram.start();
    const guest = await FakeGuest.connect(hsp, sram, bridge.layout);
    onTestFinished(() => guest.close());
    return guest;
  };
  return { bridge, handler, end, sockets, connect };
}
