import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Outcome } from '../../../../src/bpmp/backend/backend.js';
import type { BridgeEnd, RequestHandler } from '../../../../src/bpmp/bridge/bridge.js';
import { VfioUserBridge, type VfioUserBridgeOptions } from '../../../../src/bpmp/bridge/vfio-user/index.js';
import { invert } from '../../../support/invert.js';
import { VfioUserClient } from '../../../support/vfio-user-client.js';

/** The window's offset in the BAR at the default address. */
export const WINDOW = 0xb00;

export interface Seen {
  readonly mrq: number;
  readonly tx: string;
  readonly room: number;
}

/** Answers each request with its bytes inverted; what was asked is in `seen`. */
export class EchoHandler implements RequestHandler {
  readonly seen: Seen[] = [];
  readonly malformedSeen: { mrq: number; reason: string }[] = [];
  answer: (mrq: number, tx: Uint8Array, rx: Uint8Array) => Outcome | Promise<Outcome> = invert;

  handle(mrq: number, tx: Uint8Array, rx: Uint8Array): Outcome | Promise<Outcome> {
    this.seen.push({ mrq, tx: Buffer.from(tx).toString('hex'), room: rx.length });
    return this.answer(mrq, tx, rx);
  }

  malformed(mrq: number, reason: string): Outcome {
    this.malformedSeen.push({ mrq, reason });
    return { ret: -22, rxSize: 0 };
  }
}

export interface Served {
  readonly bridge: VfioUserBridge;
  readonly handler: EchoHandler;
  readonly path: string;
  readonly end: Promise<BridgeEnd>;
  /** A client that has said VERSION; closed with the test. */
  connect(): Promise<VfioUserClient>;
}

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'gpuvm-vfio-user-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A bridge that serves until the test ends. */
export async function serve(options: Partial<VfioUserBridgeOptions> = {}): Promise<Served> {
  const path = join(temporaryFolder(), 'socket');
  const handler = new EchoHandler();
  const bridge = new VfioUserBridge({ socketPath: path, layout: 'trapped', handler, ...options });
  await bridge.listening;
  const end = bridge.serve();
  onTestFinished(() => bridge.close());
  const connect = async () => {
    const client = new VfioUserClient(path);
    onTestFinished(() => client.close());
    await client.start();
    return client;
  };
  return { bridge, handler, path, end, connect };
}

/** A request as the guest's driver puts it into the window, up to the MRQ register. */
export function windowImage(tx: Uint8Array, txSize = BigInt(tx.length), rxSize = 512n): Buffer {
  const image = Buffer.alloc(0x500);
  image.set(tx);
  image.writeBigUInt64LE(txSize, 0x400);
  image.writeBigUInt64LE(rxSize, 0x408);
  return image;
}
