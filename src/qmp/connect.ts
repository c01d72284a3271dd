import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { GpuvmError } from '../errors.js';
import { type Connection, Inlet } from './inlet.js';

/** While QEMU starts, its socket is not there yet, or is there and does not listen yet, or has others to accept. */
const NOT_YET = new Set(['ENOENT', 'ECONNREFUSED', 'EAGAIN']);
/** sun_path of a Unix socket's address, without its end. Node would cut a longer one without a word. */
const MAX_PATH_BYTES = 107;
const FIRST_PAUSE_MS = 2;
const LONGEST_PAUSE_MS = 50;

function attempt(path: string, inlet: Inlet, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    // Node's types know `onread` of `connect` alone, which would begin before there is somebody to tell of errors.
    const socket = new Socket({ onread: inlet.onread } as object);
    const onAbort = () => {
      socket.destroy();
      reject(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once('connect', () => {
      signal.removeEventListener('abort', onAbort);
      socket.removeAllListeners('error');
      resolve(socket);
    });
    socket.once('error', (error) => {
      signal.removeEventListener('abort', onAbort);
      reject(error);
    });
    socket.connect({ path });
  });
}

/**
 * Connects to a Unix socket, trying again while nobody listens there, until `signal` says stop. Throws the signal's
 * reason, or GPUVM_QMP_CLOSED with the system's error where trying again cannot help.
 */
export async function connectSocket(path: string, signal: AbortSignal): Promise<Connection> {
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) {
    throw new GpuvmError(
      'GPUVM_USAGE',
      `a socket's path has at most ${MAX_PATH_BYTES} bytes: ${path} is longer`,
      { details: { path } },
    );
  }
  const inlet = new Inlet();
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    signal.throwIfAborted();
    try {
      return { socket: await attempt(path, inlet, signal), inlet };
    } catch (error) {
      signal.throwIfAborted();
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === undefined || !NOT_YET.has(code)) {
        throw new GpuvmError('GPUVM_QMP_CLOSED', `cannot connect to the QMP socket ${path}: ${message}`, {
          cause: error,
          details: { path },
        });
      }
    }
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}
