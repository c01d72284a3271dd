import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex, Writable } from 'node:stream';
import { GpuvmError } from '../errors.js';
import { brokenRequest, MAX_HEADER_BYTES, refuse, sendJson } from './answer.js';
import { ControlClient } from './client.js';
import { upgradeToConsole } from './console-upgrade.js';
import { Follower, type FollowerOptions } from './follower.js';
import { groupId } from './groups.js';
import { answerOf, Refusal } from './refusal.js';
import { type Exchange, routes } from './routes.js';
import { listenOn } from './socket-file.js';
import type { ControlledVm } from './vm.js';

export interface ControlOptions {
  /** Where the socket is to be: `controlPath(name)`, or what the VM file says. */
  readonly path: string;
  /** Who may use it beside the user that runs the VM: a group's name or number. */
  readonly group?: string | number;
  /** Its permissions; none for others, since whoever may use it owns the VM. 0o660 by default. */
  readonly mode?: number;
}

const MAX_CONNECTIONS = 64;
/** Of them, those that stay open may be so many: a command must always get through. */
const MAX_STAYING = 48;
/** From the first byte of a connection, or of a request, to its whole head; and to its whole body. */
const HEADERS_MS = 3_000;
const REQUEST_MS = 15_000;
const KEEP_ALIVE_MS = 5_000;
/** A connection on which nothing moves, but for those that stay. */
const IDLE_MS = 30_000;
/** How long readers may take for the last words. */
const LAST_WORDS_MS = 1_000;
const WHO_SERVES_MS = 1_000;
const OTHERS = 0o007;

/**
 * Serves a VM on a Unix socket, HTTP/1.1 and JSON: docs/control.md. Throws GPUVM_VM_PRESENT where a VM of this name
 * runs already, GPUVM_CONTROL where the socket cannot be made safely, GPUVM_CONFIG for a group that is not there.
 */
export async function serveControl(vm: ControlledVm, options: ControlOptions): Promise<ControlServer> {
  const { path, group, mode = 0o660 } = options;
  if (mode & OTHERS) {
    const shown = mode.toString(8).padStart(4, '0');
    throw new GpuvmError(
      'GPUVM_CONFIG',
      `a control socket with mode ${shown} would be everybody's: use 0660 and a group`,
    );
  }
  const gid = group === undefined ? undefined : await groupId(group);
  const server = new ControlServer(vm, path);
  await server.listen({ path, mode, gid, whoServes });
  return server;
}

async function whoServes(path: string): Promise<number | undefined> {
  try {
    const status = await new ControlClient({ path, deadlineMs: WHO_SERVES_MS }).status();
    return status.supervisorPid;
  } catch {
    return undefined;
  }
}

/** The control socket of one running VM. */
export class ControlServer {
  readonly path: string;
  readonly #vm: ControlledVm;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #staying = new Set<Duplex>();
  readonly #followers = new Set<Follower>();
  readonly #ended: Promise<void>;
  #end!: () => void;
  #remove = () => {};
  #closing: Promise<void> | undefined;

  /** @internal `serveControl` makes one that listens. */
  constructor(vm: ControlledVm, path: string) {
    this.#vm = vm;
    this.path = path;
    this.#ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#server = createServer({
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEADERS_MS,
      requestTimeout: REQUEST_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: 1_000,
    });
    this.#server.timeout = IDLE_MS;
    this.#server.on('connection', (socket) => this.#admit(socket));
    this.#server.on('request', (request, response) => void this.#answer(request, response));
    this.#server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    this.#server.on('clientError', (error, socket) => refuse(socket, brokenRequest(error)));
  }

  /** What waits to be read by clients, in bytes; bounded however slow they are. */
  get waitingBytes(): number {
    let bytes = 0;
    for (const socket of this.#sockets) bytes += socket.writableLength;
    for (const follower of this.#followers) bytes += follower.waitingBytes;
    return bytes;
  }

  /** @internal */
  async listen(options: Parameters<typeof listenOn>[1]): Promise<void> {
    this.#remove = await listenOn(this.#server, options);
    // A last resort for a program that ends without closing.
    process.once('exit', this.#remove);
  }

  /**
   * Ends it: whoever waits for the VM's end is answered, whoever follows gets the last words, and the path goes. To be
   * called when all of the VM has ended, the devices given back.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    process.off('exit', this.#remove);
    this.#remove();
    this.#end();
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    // What is being answered gets its time; what idles does not.
    this.#server.closeIdleConnections();
    const timer = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, LAST_WORDS_MS);
    await closed;
    clearTimeout(timer);
  }

  #admit(socket: Socket): void {
    if (this.#sockets.size >= MAX_CONNECTIONS) {
      refuse(socket, new Refusal(503, `there are ${MAX_CONNECTIONS} connections already`));
      return;
    }
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    // A client that goes in the middle of an answer is its own business.
    socket.on('error', () => undefined);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const [path = '', search = ''] = (request.url ?? '').split('?', 2);
      const exchange: Exchange = {
        vm: this.#vm,
        request,
        response,
        query: new URLSearchParams(search),
        ended: this.#ended,
        stay: () => this.#stay(request.socket),
        follow: (limits) => this.#follow(response, limits),
        json: (status, body) =>
          sendJson(response, status, body, this.#closing ? { connection: 'close' } : {}),
      };
      await routeFor(request.method ?? '', path).answer(exchange);
    } catch (error) {
      if (response.headersSent) {
        response.destroy();
        return;
      }
      const { status, headers, body } = answerOf(error);
      sendJson(response, status, body, headers);
    }
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Uint8Array): void {
    socket.on('error', () => undefined);
    try {
      this.#stay(socket as Socket);
      upgradeToConsole({
        vm: this.#vm,
        request,
        socket,
        head,
        ended: this.#ended,
        follow: (limits) => this.#follow(socket, limits),
      });
    } catch (error) {
      refuse(socket, error);
    }
  }

  #follow(to: Writable, limits: FollowerOptions): Follower {
    const follower = new Follower(to, limits);
    this.#followers.add(follower);
    to.once('close', () => this.#followers.delete(follower));
    return follower;
  }

  #stay(socket: Socket): void {
    if (this.#staying.size >= MAX_STAYING && !this.#staying.has(socket)) {
      throw new Refusal(503, `${MAX_STAYING} others follow this VM already`);
    }
    socket.setTimeout(0);
    if (this.#staying.has(socket)) return;
    this.#staying.add(socket);
    socket.once('close', () => this.#staying.delete(socket));
  }
}

function routeFor(method: string, path: string) {
  const plain = path === '/' || path === '/v1/' ? '/v1' : path;
  const there = routes.filter((route) => route.path === plain);
  if (there.length === 0)
    throw new Refusal(404, `there is nothing at ${plain.slice(0, 200)}: GET /v1 lists what is`);
  const route = there.find((candidate) => candidate.method === method);
  if (route) return route;
  const allow = there.map((candidate) => candidate.method).join(', ');
  throw new Refusal(405, `${plain} takes ${allow}, not ${method}`, { allow });
}
