import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const GREETING = {
  QMP: { version: { qemu: { major: 7, minor: 2, micro: 22 }, package: 'Debian' }, capabilities: ['oob'] },
};

export interface Request {
  execute?: string;
  'exec-oob'?: string;
  arguments?: unknown;
  /** Not there for a command that is alone on its way. */
  id?: number;
}

export interface Peer {
  readonly socket: Socket;
  send(message: unknown): void;
  raw(text: string | Uint8Array): void;
}

/** What the fake does with each command; the default answers `{}`. */
export type Behaviour = (request: Request, peer: Peer) => void;

export const answer: Behaviour = (request, peer) => peer.send({ return: {}, id: request.id });

/** A QMP server that greets, takes capabilities, and leaves the rest to `behave`. */
export async function fakeServer(behave: Behaviour = answer, { greet = true, first = '' } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'gpuvm-qmp-'));
  const path = join(folder, 'qmp');
  const requests: Request[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    const peer: Peer = {
      socket,
      send: (message) => socket.write(`${JSON.stringify(message)}\r\n`),
      raw: (text) => socket.write(text),
    };
    socket.on('close', () => sockets.delete(socket));
    if (greet) peer.send(GREETING);
    if (first !== '') peer.raw(first);
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
      const lines = text.split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) {
        const request = JSON.parse(line) as Request;
        requests.push(request);
        if (request.execute === 'qmp_capabilities') answer(request, peer);
        else behave(request, peer);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    path,
    requests,
    /** Connections that are open. */
    get open() {
      return sockets.size;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
