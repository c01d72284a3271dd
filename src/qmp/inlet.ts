import { type OnReadOpts, Socket } from 'node:net';

const BUFFER_BYTES = 64 * 1024;

/**
 * Where a socket reads to: one buffer, read into again and again, and whoever takes its bytes. What it hands over is
 * valid until the call returns.
 */
export class Inlet {
  readonly onread: OnReadOpts;
  #take: (chunk: Uint8Array) => void = () => undefined;

  constructor() {
    this.onread = {
      buffer: new Uint8Array(BUFFER_BYTES),
      callback: (length, buffer) => {
        this.#take(buffer.subarray(0, length));
        return true;
      },
    };
  }

  set take(take: (chunk: Uint8Array) => void) {
    this.#take = take;
  }
}

/** A connected socket with its inlet; nothing is read before the current turn of the event loop is over. */
export interface Connection {
  readonly socket: Socket;
  readonly inlet: Inlet;
}

/** Takes over a connected Unix stream socket; the descriptor is the connection's from here on. */
export function connectionOf(fd: number): Connection {
  const inlet = new Inlet();
  // Node takes these options together, its types do not.
  const options = { fd, readable: true, writable: true, onread: inlet.onread };
  return { socket: new Socket(options), inlet };
}

/** The descriptor below a socket of Node's, which has no public name; -1 where it is closed. */
export function descriptorOf(socket: Socket): number {
  const { _handle } = socket as unknown as { readonly _handle?: { readonly fd?: number } | null };
  return _handle?.fd ?? -1;
}
