import { connect, type Socket } from 'node:net';

export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly json: {
    readonly error?: { readonly code: string; readonly message: string; readonly details?: object };
  };
}

/** Sends bytes and gives the answer that comes until the other side closes. */
export function exchange(path: string, bytes: string | Uint8Array, { end = false } = {}): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    let text = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('error', (error) => (text === '' ? reject(error) : undefined));
    socket.once('close', () => resolve(read(text)));
    if (end) socket.end(bytes);
    else socket.write(bytes);
  });
}

/** A request as curl would send it, its connection closed after it. */
export function ask(
  path: string,
  line: string,
  body?: string,
  headers: Record<string, string> = { 'content-type': 'application/json' },
): Promise<RawAnswer> {
  const all = {
    host: 'gpuvm',
    connection: 'close',
    ...(body === undefined ? {} : { ...headers, 'content-length': String(Buffer.byteLength(body)) }),
  };
  const head = Object.entries(all).map(([key, value]) => `${key}: ${value}\r\n`);
  return exchange(path, `${line} HTTP/1.1\r\n${head.join('')}\r\n${body ?? ''}`);
}

function read(text: string): RawAnswer {
  const at = text.indexOf('\r\n\r\n');
  const [first, ...lines] = text.slice(0, at).split('\r\n');
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]),
  );
  const body = text.slice(at + 4);
  return {
    status: Number(first!.split(' ')[1]),
    headers,
    text: body,
    get json() {
      return JSON.parse(body);
    },
  };
}

/** A connection that is there. */
export function connected(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => resolve(socket));
    socket.once('error', reject);
  });
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** Waits until something is so; throws where it never is. */
export async function until(is: () => boolean, what: string, deadlineMs = 5_000): Promise<void> {
  const start = performance.now();
  while (!is()) {
    if (performance.now() - start > deadlineMs) throw new Error(`never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
