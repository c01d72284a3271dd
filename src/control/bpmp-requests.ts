import { once } from 'node:events';
import { GpuvmError } from '../errors.js';
import { toJson } from './json.js';
import { answerOf, Refusal } from './refusal.js';
import { readBody, readQuery } from './request.js';
import type { Exchange } from './routes.js';
import { within } from './within.js';

/** A request to a VM's BPMP: the MRQ, and its payload. */
export interface BpmpRequest {
  readonly mrq: number;
  readonly tx: Uint8Array;
}

/** What is answered to it. */
export interface BpmpAnswer {
  /** 0, or a negative error of the firmware's numbering. */
  readonly ret: number;
  readonly rx: Uint8Array;
  /** What the VM's policy said: `allow`, `deny`, `absorb` or `malformed`. */
  readonly verdict: string;
  readonly rule: string;
}

const TYPE = 'application/x-ndjson';
/** What the window takes, and more than any request has. */
const MAX_TX = 512;
/** A transfer of a device that does not come back; what the rate limit makes wait is far less. */
const ANSWER_MS = 20_000;

/** Asks a VM's mediator as its guest would: a line for each request, a line for each answer, in order. */
export async function askBpmp({ vm, request, response, query, stay }: Exchange): Promise<void> {
  readQuery(query, []);
  if (vm.bpmpRequest === undefined) throw new Refusal(404, `${vm.name} has no BPMP to ask`);
  const type = (request.headers['content-type'] ?? 'none').split(';')[0]!.trim().toLowerCase();
  if (type !== TYPE) throw new Refusal(415, `the body must be ${TYPE}, not ${type}`);
  const requests = (await readBody(request)).toString('utf8').split('\n').flatMap(readLine);
  if (requests.length === 0)
    throw new Refusal(400, 'the body has no request: a line is {"mrq":22,"tx":"30010007"}');
  stay();
  // The first answer says whether there is a bridge at all, while the status can still say it.
  let next = await answered(vm.bpmpRequest(requests[0]!.mrq, requests[0]!.tx));
  response.writeHead(200, { 'content-type': TYPE, 'cache-control': 'no-store', connection: 'close' });
  for (const [index, { mrq, tx }] of requests.entries()) {
    if (response.destroyed) return;
    try {
      if (index > 0) next = await answered(vm.bpmpRequest(mrq, tx));
    } catch (error) {
      response.end(`${toJson(answerOf(error).body)}\n`);
      return;
    }
    if (!response.write(`${toJson(next)}\n`))
      await Promise.race([once(response, 'drain'), once(response, 'close')]);
  }
  response.end();
}

function answered(asked: Promise<BpmpAnswer>): Promise<BpmpAnswer> {
  return within(asked, "the BPMP's answer", ANSWER_MS);
}

function readLine(text: string, index: number): BpmpRequest[] {
  if (text.trim() === '') return [];
  const bad = (what: string) => new Refusal(400, `line ${index + 1}: ${what}`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw bad(`not JSON: ${(cause as Error).message}`);
  }
  const { mrq, tx = '', ...more } = (value ?? {}) as Record<string, unknown>;
  if (typeof value !== 'object' || Array.isArray(value) || Object.keys(more).length > 0)
    throw bad('must be {"mrq":22,"tx":"30010007"} and no more');
  if (typeof mrq !== 'number' || !Number.isInteger(mrq) || mrq < 0 || mrq > 0xffff_ffff)
    throw bad('mrq must be a number below 2^32');
  if (typeof tx !== 'string' || tx.length % 2 !== 0 || /[^0-9a-f]/i.test(tx))
    throw bad('tx must be pairs of hexadecimal digits');
  if (tx.length > 2 * MAX_TX) throw bad(`tx is longer than ${MAX_TX} bytes`);
  return [{ mrq, tx: Uint8Array.from(Buffer.from(tx, 'hex')) }];
}

/** The requests as a body, and a line of the answer. */
export function bodyOf(requests: readonly BpmpRequest[]): Buffer {
  return Buffer.from(requests.map(({ mrq, tx }) => `${toJson({ mrq, tx })}\n`).join(''));
}

export function readAnswer(line: string): BpmpAnswer {
  const value = JSON.parse(line) as { error?: { code: string; message: string } } & Record<string, unknown>;
  if (value.error !== undefined) throw new GpuvmError('GPUVM_VM_STATE', value.error.message);
  const { ret, rx, verdict, rule } = value;
  return {
    ret: Number(ret),
    rx: Uint8Array.from(Buffer.from(String(rx), 'hex')),
    verdict: String(verdict),
    rule: String(rule),
  };
}
