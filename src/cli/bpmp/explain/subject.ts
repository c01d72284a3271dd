import type { TransferRecord } from '../../../bpmp/capture/index.js';
import { tegra234 } from '../../../bpmp/tegra234/index.js';
import { parseRequestWords } from '../../../bpmp/wire/index.js';
import { GpuvmError } from '../../../errors.js';
import type { Context } from '../../context.js';
import { parseHex, parseMrq } from '../../numbers.js';
import { openTransfers } from '../source.js';

/** What is to be explained: a request, and where it was recorded what became of it. */
export interface Subject {
  readonly mrq: number;
  readonly tx: Uint8Array;
  readonly record?: TransferRecord;
}

/** `gpu.pcapng:1234` by its sequence, `gpu.pcapng#5` by its place in the file. */
const RECORD = /^(.+)([:#])(\d{1,16})$/;

/** Reads what the words say: a recorded request, bytes of an MRQ, or a request by names. */
export async function readSubject(
  words: readonly string[],
  mrq: unknown,
  context: Context,
): Promise<Subject> {
  const [first = ''] = words;
  if (mrq !== undefined) return { mrq: parseMrq(String(mrq)), tx: parseHex(words.join(''), 'the payload') };
  const [, source, how, digits] = words.length === 1 ? (RECORD.exec(first) ?? []) : [];
  if (source === undefined) return parseRequestWords(words, tegra234);
  const record = await find(source, how === '#', Number(digits), context);
  return { mrq: record.mrq, tx: record.tx, record };
}

async function find(
  source: string,
  byPlace: boolean,
  wanted: number,
  context: Context,
): Promise<TransferRecord> {
  let place = 0;
  let first: number | undefined;
  let last: number | undefined;
  for await (const batch of openTransfers([source], context)) {
    for (const record of batch) {
      place++;
      first ??= record.sequence;
      last = record.sequence;
      if (byPlace ? place === wanted : record.sequence === wanted) return record;
    }
  }
  if (first === undefined) throw new GpuvmError('GPUVM_INPUT', `${source} has no transfer`);
  const there = byPlace ? `it has ${place}, counted from 1` : `its sequences go from ${first} to ${last}`;
  throw new GpuvmError('GPUVM_INPUT', `${source} has no transfer ${byPlace ? '#' : ''}${wanted}: ${there}`);
}
