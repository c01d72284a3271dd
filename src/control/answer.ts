import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { toJson } from './json.js';
import { answerOf, Refusal } from './refusal.js';

/** The longest head of a request. */
export const MAX_HEADER_BYTES = 8 * 1024;

/** Answers with a document. */
export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  const text = `${toJson(body)}\n`;
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    ...headers,
  });
  response.end(text);
}

/** Refuses what never became a request, on the bare socket. */
export function refuse(socket: Duplex, error: unknown): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const { status, body } = answerOf(error);
  const text = `${toJson(body)}\n`;
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\nconnection: close\r\n\r\n`;
  socket.end(`${head}${text}`, () => socket.destroy());
}

/** What the parser gave up on, as a refusal. */
export function brokenRequest({ code, message }: NodeJS.ErrnoException): Refusal {
  if (code === 'HPE_HEADER_OVERFLOW')
    return new Refusal(431, `the headers are longer than ${MAX_HEADER_BYTES} bytes`);
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new Refusal(408, 'the request did not come to its end in time');
  return new Refusal(400, `this is no HTTP request: ${message}`);
}
