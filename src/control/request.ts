import type { IncomingMessage } from 'node:http';
import { nearest } from '../nearest.js';
import { Refusal } from './refusal.js';

/** The longest body that is taken: a QMP command with room to spare. */
export const MAX_BODY_BYTES = 1024 * 1024;

type Fields = Readonly<Record<string, unknown>>;

/** The fields of a JSON body; none where the body is empty. Refuses everything else, and keys that are not `known`. */
export async function readFields(request: IncomingMessage, known: readonly string[]): Promise<Fields> {
  const text = (await readBody(request)).toString('utf8');
  if (text.trim() === '') return {};
  const type = (request.headers['content-type'] ?? 'none').split(';')[0]!.trim().toLowerCase();
  if (type !== 'application/json') {
    throw new Refusal(415, `the body must be application/json, not ${type}`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Refusal(400, `the body is not JSON: ${(cause as Error).message}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Refusal(400, 'the body must be a JSON object');
  }
  for (const key of Object.keys(value)) checkKey(key, known, 'field');
  return value as Fields;
}

/** A field that is true, false or absent. */
export function flagOf(fields: Fields, key: string): boolean {
  const value = fields[key];
  if (value === undefined) return false;
  if (typeof value !== 'boolean') throw new Refusal(400, `${key} must be true or false`);
  return value;
}

/** A field that is an integer in a range, or absent. */
export function integerOf(fields: Fields, key: string, min: number, max: number): number | undefined {
  const value = fields[key];
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    throw new Refusal(400, `${key} must be an integer from ${min} to ${max}`);
  }
  return value;
}

/** What follows the question mark, typed as the body's fields are; refuses parameters that are not `known`. */
export function readQuery(query: URLSearchParams, known: readonly string[]): Fields {
  const fields: Record<string, unknown> = {};
  for (const [key, value] of query) {
    checkKey(key, known, 'parameter');
    if (value === '' || value === 'true') fields[key] = true;
    else if (value === 'false') fields[key] = false;
    else fields[key] = /^\d{1,15}$/.test(value) ? Number(value) : value;
  }
  return fields;
}

function checkKey(key: string, known: readonly string[], what: string): void {
  if (known.includes(key)) return;
  const meant = nearest(key, known);
  const there = known.length > 0 ? `there are ${known.join(', ')}` : 'there are none';
  throw new Refusal(
    400,
    `there is no ${what} ${JSON.stringify(key.slice(0, 80))} here: ${meant ? `did you mean ${meant}?` : there}`,
  );
}

/** The whole body, up to its bound. */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) throw tooLong();
  const chunks: Buffer[] = [];
  let bytes = 0;
  // The connection must outlive a body that is refused, or nobody would read why.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw tooLong();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function tooLong(): Refusal {
  // The rest of the body is not read, so the connection cannot go on.
  return new Refusal(413, `the body is longer than ${MAX_BODY_BYTES} bytes`, { connection: 'close' });
}
