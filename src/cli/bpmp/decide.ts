import { createReadStream } from 'node:fs';
import { SimulatedBpmp } from '../../bpmp/backend/index.js';
import { type CompiledPolicy, loadPolicy } from '../../bpmp/policy/index.js';
import { compileFor } from '../../bpmp/replay/index.js';
import { decodeRequest } from '../../bpmp/wire/index.js';
import { ExitStatus, GpuvmError } from '../../errors.js';
import type { Call } from '../command.js';
import type { Context } from '../context.js';
import { parseHex, parseMrq } from '../numbers.js';
import { toJson } from '../output.js';
import { linesOf } from '../text-lines.js';

/** Output is handed on in pieces of this size: one write per line would be most of the time. */
const PIECE = 64 * 1024;

export async function run(
  { args: [file], options }: Call,
  { stdin, stdout, stderr }: Context,
): Promise<number> {
  // As a bridge would compile it, with the parents that the chip's model gives the granted clocks.
  const policy = await compileFor(await loadPolicy(String(options.policy)), new SimulatedBpmp());
  const source = file === undefined || file === '-' ? stdin : createReadStream(file);
  let piece = '';
  let bad = 0;
  try {
    for await (const [line, number] of linesOf(source)) {
      if (line.trim() === '') continue;
      const answer = answerLine(policy, line, number);
      if ('error' in answer) bad++;
      piece += `${toJson(answer)}\n`;
      if (piece.length < PIECE) continue;
      stdout.write(piece);
      piece = '';
      await stdout.drained();
      if (stdout.gone) return 0;
    }
  } catch (error) {
    if (GpuvmError.is(error)) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new GpuvmError('GPUVM_FILE', `the requests cannot be read: ${message}`, { cause: error });
  } finally {
    stdout.write(piece);
  }
  if (bad === 0) return 0;
  stderr.line(
    `gpuvm: ${bad} ${bad === 1 ? 'line is' : 'lines are'} no request; each is answered with its error`,
  );
  return ExitStatus.DATA;
}

function answerLine(policy: CompiledPolicy, line: string, number: number): Readonly<Record<string, unknown>> {
  try {
    const { mrq, tx } = readRequest(line);
    const { decision, rule, fix } = policy.explain(mrq, tx);
    return {
      verdict: decision.verdict,
      ret: decision.ret,
      request: decodeRequest(mrq, tx, policy.chip),
      rule,
      ...(fix === undefined ? {} : { fix }),
    };
  } catch (error) {
    if (!GpuvmError.is(error)) throw error;
    return { error: `line ${number}: ${error.message}`, line: number };
  }
}

function readRequest(line: string): { mrq: number; tx: Uint8Array } {
  const { mrq, tx = '' } = parseObject(line);
  if (typeof mrq !== 'number' && typeof mrq !== 'string') throw bad('mrq must be a number or a name');
  if (typeof tx !== 'string') throw bad('tx must be hexadecimal digits');
  return { mrq: parseMrq(String(mrq)), tx: parseHex(tx, 'tx') };
}

function parseObject(line: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw bad(`not JSON: ${(cause as Error).message}`, cause);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw bad('must be an object such as {"mrq":22,"tx":"30010007"}');
}

function bad(message: string, cause?: unknown): GpuvmError {
  return new GpuvmError('GPUVM_INPUT', message, { cause });
}
