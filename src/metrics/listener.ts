import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { formatFor } from './negotiate.js';
import type { Exposition, Format } from './write.js';

export interface MetricsListenerOptions {
  readonly address: string;
  readonly port: number;
  /** What a scrape is answered with. */
  readonly answer: (format: Format) => Promise<Exposition>;
  /** Is told once why it does not listen, and again when it does after all. */
  readonly onNote: (line: string) => void;
  /** How long is waited before it is tried again, in ms. */
  readonly againMs?: number;
}

const MAX_CONNECTIONS = 16;
const MAX_HEADER_BYTES = 8 * 1024;
const HEADERS_MS = 3_000;
const REQUEST_MS = 5_000;
/** Between two scrapes; who comes more seldom connects anew. */
const KEEP_ALIVE_MS = 20_000;
/** A connection on which nothing moves. */
const IDLE_MS = 10_000;
const AGAIN_MS = 10_000;
/** Whoever scrapes more often gets the same answer: the bridge's thread has a guest to serve. */
const FRESH_MS = 250;

/**
 * GET /metrics on a TCP port, and nothing else. Metrics only watch: where the port is taken the VM runs without, and the
 * port is tried again until it is free.
 */
export class MetricsListener {
  readonly #options: MetricsListenerOptions;
  readonly #server: Server;
  readonly #recent = new Map<Format, { readonly atMs: number; readonly answer: Promise<Exposition> }>();
  #again: NodeJS.Timeout | undefined;
  #hasFailed = false;
  #isClosed = false;

  constructor(options: MetricsListenerOptions) {
    this.#options = options;
    this.#server = createServer({
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEADERS_MS,
      requestTimeout: REQUEST_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: 1_000,
    });
    this.#server.maxConnections = MAX_CONNECTIONS;
    this.#server.timeout = IDLE_MS;
    this.#server.on('connection', (socket) => socket.on('error', () => undefined));
    this.#server.on('request', (request, response) => void this.#onRequest(request, response));
    this.#server.on('error', (error: NodeJS.ErrnoException) => this.#onError(error));
    // Nothing waits for whoever scrapes.
    this.#server.unref();
  }

  /** Settles when it listens, or has failed for the first time. */
  open(): Promise<void> {
    const { address, port, onNote } = this.#options;
    return new Promise((resolve) => {
      this.#server.once('error', () => resolve());
      this.#server.on('listening', () => {
        if (this.#hasFailed) onNote(`metrics are served on ${this.where} now`);
        resolve();
      });
      this.#server.listen({ host: address, port, exclusive: true });
    });
  }

  /** Where it listens; undefined while it does not. */
  get port(): number | undefined {
    return (this.#server.address() as AddressInfo | null)?.port;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#again);
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  /** As a URL has it. */
  get where(): string {
    const { address, port } = this.#options;
    return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
  }

  #onError(error: NodeJS.ErrnoException): void {
    const { address, port, onNote, againMs = AGAIN_MS } = this.#options;
    if (!this.#hasFailed) onNote(`no metrics on ${this.where}, which is tried again: ${whyNot(error)}`);
    this.#hasFailed = true;
    if (this.#isClosed) return;
    this.#again = setTimeout(() => {
      this.#server.listen({ host: address, port, exclusive: true });
    }, againMs);
    this.#again.unref();
  }

  async #onRequest({ method, url, headers }: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path] = (url ?? '').split('?', 1);
    if (path !== '/metrics') return plain(response, 404, 'only GET /metrics is here\n');
    if (method !== 'GET' && method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      return plain(response, 405, `/metrics takes GET, not ${method}\n`);
    }
    try {
      const { contentType, body } = await this.#answer(formatFor(headers.accept));
      response.writeHead(200, {
        'content-type': contentType,
        'content-length': Buffer.byteLength(body),
        'cache-control': 'no-store',
      });
      response.end(method === 'HEAD' ? undefined : body);
    } catch {
      plain(response, 503, 'the VM does not tell its metrics now\n');
    }
  }

  #answer(format: Format): Promise<Exposition> {
    const now = performance.now();
    const recent = this.#recent.get(format);
    if (recent && now - recent.atMs < FRESH_MS) return recent.answer;
    const answer = this.#options.answer(format);
    answer.catch(() => undefined);
    this.#recent.set(format, { atMs: now, answer });
    return answer;
  }
}

function plain(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}

function whyNot({ code, message }: NodeJS.ErrnoException): string {
  switch (code) {
    case 'EADDRINUSE':
      return 'somebody else listens there';
    case 'EADDRNOTAVAIL':
      return 'the host does not have this address';
    case 'EACCES':
      return 'ports below 1024 are for root, or CAP_NET_BIND_SERVICE';
    default:
      return message;
  }
}
