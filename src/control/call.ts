import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import type { Duplex } from 'node:stream';
import { type ErrorCode, errorCodes, GpuvmError } from '../errors.js';
import { toJson } from './json.js';
import { unreachable } from './unreachable.js';

export interface Call {
  readonly method: 'GET' | 'POST';
  /** With its parameters. */
  readonly path: string;
  /** Sent as JSON. */
  readonly fields?: object;
  /** Sent as it is. */
  readonly bytes?: Uint8Array;
  /** What the bytes are, where that matters. */
  readonly type?: string;
  /** Until the answer's head is there. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
  readonly upgrade?: string;
}

export type Answer =
  | { readonly response: IncomingMessage }
  | { readonly socket: Duplex; readonly head: Buffer };

/** An answer is never longer; QEMU's whole schema is a tenth of it. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** Makes one request on a socket. Throws the error that the server answers with, or why it cannot be reached. */
export async function call(socketPath: string, what: Call): Promise<Answer> {
  const { method, path, fields, bytes, type, deadlineMs, signal, upgrade } = what;
  const body = fields === undefined ? bytes : Buffer.from(toJson(fields));
  const headers: Record<string, string | number> = { host: 'gpuvm' };
  if (fields !== undefined) headers['content-type'] = 'application/json';
  else if (type !== undefined) headers['content-type'] = type;
  if (body) headers['content-length'] = body.length;
  if (upgrade) Object.assign(headers, { connection: 'Upgrade', upgrade });
  const made = request({ socketPath, method, path, headers, agent: false, signal });
  const timer = setTimeout(() => made.destroy(late(socketPath, deadlineMs)), deadlineMs);
  try {
    const answering = answerOf(made);
    made.end(body);
    const answer = await answering;
    if ('socket' in answer || answer.response.statusCode! < 400) return answer;
    throw errorOf(await readJson(answer.response), answer.response.statusCode!);
  } catch (error) {
    if (GpuvmError.is(error) || signal?.aborted) throw error;
    throw await unreachable(socketPath, error as NodeJS.ErrnoException);
  } finally {
    clearTimeout(timer);
  }
}

function answerOf(made: ClientRequest): Promise<Answer> {
  return new Promise((resolve, reject) => {
    made.once('response', (response) => resolve({ response }));
    made.once('upgrade', (_response, socket, head) => resolve({ socket, head }));
    // Stays: what goes wrong after the answer's head is seen by whoever reads the rest.
    made.on('error', reject);
  });
}

/** The answer's document. */
export async function readJson(response: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES)
      throw new GpuvmError('GPUVM_CONTROL', 'the supervisor sent an endless answer');
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  try {
    return JSON.parse(text);
  } catch (cause) {
    const shown = JSON.stringify(text.slice(0, 80));
    throw new GpuvmError('GPUVM_CONTROL', `what answers on the socket is no supervisor of gpuvm: ${shown}`, {
      cause,
    });
  }
}

/** The server's error, as it was thrown there. */
function errorOf(body: unknown, status: number): GpuvmError {
  const { error } = (body ?? {}) as { error?: { code?: unknown; message?: unknown; details?: unknown } };
  const code = (Object.hasOwn(errorCodes, String(error?.code)) ? error!.code : 'GPUVM_CONTROL') as ErrorCode;
  const message =
    typeof error?.message === 'string' ? error.message : `the supervisor answered with status ${status}`;
  const details = typeof error?.details === 'object' && error.details !== null ? error.details : {};
  return new GpuvmError(code, message, { details: { ...details, httpStatus: status } });
}

function late(socketPath: string, deadlineMs: number): GpuvmError {
  return new GpuvmError('GPUVM_CONTROL', `nothing was answered on ${socketPath} within ${deadlineMs} ms`);
}
