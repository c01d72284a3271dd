import { GpuvmError } from '../../errors.js';
import type { Call } from '../command.js';
import { type Context, wantsColour } from '../context.js';
import { onStopSignals } from '../run/signals.js';
import { filterOption } from './filter-option.js';
import { openTransfers } from './source.js';
import { columnForm, fieldDocumentForm, parseFields } from './trace/columns.js';
import { documentForm } from './trace/document.js';
import type { Form } from './trace/form.js';
import { lineForm } from './trace/lines.js';
import { printTransfers } from './trace/print.js';
import { Tally } from './trace/tally.js';
import type { TimeForm } from './trace/times.js';

/** What belongs to a program that is traced, and to nothing else. */
const ofPrograms = ['device', 'simulated', 'policy', 'capture'] as const;

export async function run({ args, rest, options }: Call, context: Context): Promise<number> {
  const { stdin, stdout, stderr } = context;
  const passes = await filterOption(options);
  const count = countOf(options.count, '--count') ?? Number.POSITIVE_INFINITY;
  const last = countOf(options.last, '--last');
  const form = formOf(checked(options), context, rest === undefined && args.length > 1);
  const follow = options.follow === true;
  const tally = new Tally();
  const end = new AbortController();
  const { signal } = end;
  const print = (batches: Parameters<typeof printTransfers>[0]) =>
    printTransfers(batches, {
      stdout,
      form,
      passes,
      tally,
      count,
      signal,
      ...(last !== undefined && (!follow || rest !== undefined) && { last }),
    });

  if (rest !== undefined && rest.length > 0) {
    if (args.length > rest.length)
      throw new GpuvmError('GPUVM_USAGE', 'either a source or a program after -- can be traced, not both');
    const { traceProgram } = await import('./trace/program.js');
    return traceProgram(rest, options, { stderr, print });
  }
  const odd = ofPrograms.find((name) => options[name] !== undefined);
  if (odd !== undefined)
    throw new GpuvmError('GPUVM_USAGE', `--${odd} is for a program: gpuvm bpmp trace --${odd} … -- PROGRAM`);

  const release = onStopSignals(() => {
    // Whoever asks twice wants to be gone, and does not wait for a reader.
    release();
    end.abort();
  });
  try {
    const recent = options.filter === undefined ? last : undefined;
    await print(openTransfers(args, { stdin, stderr, follow, recent, signal }));
  } finally {
    release();
  }
  if (signal.aborted) stderr.line(`gpuvm: ${tally.text}`);
  return 0;
}

type Options = Call['options'];

function checked(options: Options): Options {
  if (options.relative && options.delta)
    throw new GpuvmError('GPUVM_USAGE', '--relative and --delta are two ways to tell the time: give one');
  if (options.hex && options.fields !== undefined)
    throw new GpuvmError('GPUVM_USAGE', '-x is for lines: with --fields, name bpmp.tx and bpmp.rx');
  return options;
}

function formOf(options: Options, { json, stdout }: Context, severalVms: boolean): Form {
  if (options.fields !== undefined) {
    const columns = parseFields(String(options.fields));
    return json ? fieldDocumentForm(columns) : columnForm(columns);
  }
  if (json) return documentForm;
  const time: TimeForm = options.relative ? 'relative' : options.delta ? 'delta' : 'absolute';
  return lineForm({ colour: wantsColour(stdout.stream), time, hex: options.hex === true, severalVms });
}

function countOf(given: unknown, option: string): number | undefined {
  if (given === undefined) return undefined;
  const count = Number(given);
  if (/^\d+$/.test(String(given)) && count > 0 && Number.isSafeInteger(count)) return count;
  throw new GpuvmError('GPUVM_USAGE', `${option} takes a number from 1, not ${JSON.stringify(given)}`);
}
