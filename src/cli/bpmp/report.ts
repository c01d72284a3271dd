import { createRequire } from 'node:module';
import { basename } from 'node:path';
import { PassThrough } from 'node:stream';
import { SimulatedBpmp } from '../../bpmp/backend/index.js';

import { loadPolicy } from '../../bpmp/policy/index.js';
import { compileFor } from '../../bpmp/replay/index.js';
import { loadVmFile } from '../../config/index.js';
import { GpuvmError } from '../../errors.js';
import { type FixOf, type ReportResult, writeReport } from '../../report/index.js';
import { makePlan } from '../../vm/plan/index.js';
import type { Call } from '../command.js';
import type { Context } from '../context.js';
import { Output } from '../output.js';
import { openTransfers } from './source.js';

const LEAST_LIMIT = 1000;
/** What a browser can hold and still scroll. */
const MOST_LIMIT = 2_000_000;

export async function run({ args, options }: Call, context: Context): Promise<number> {
  const { stdin, stdout, stderr, json } = context;
  const text = (name: string) => (options[name] === undefined ? undefined : String(options[name]));
  const output = String(options.output);
  const filter = text('filter');
  const wanted = filter === undefined ? undefined : await compiled(filter);
  const limit = parseLimit(text('limit'));
  const vm = options.vm === undefined ? undefined : await readVm(String(options.vm));
  const policy = text('policy') ?? vm?.policy;
  const fixOf = policy === undefined ? undefined : await fixesOf(policy);
  const heard = new Heard(stderr);
  const [word] = args;
  const source = sourceName(word);
  const result = await writeReport(
    output,
    openTransfers(word === undefined ? [] : [word], { stdin, stderr: heard }),
    {
      title: text('title') ?? `BPMP transfers of ${source}`,
      source,
      version: versionOf(),
      ...(filter !== undefined && { filter }),
      ...(wanted && { wanted }),
      ...(limit !== undefined && { limit }),
      ...(fixOf && { fixOf }),
      ...(vm && { memoryMap: vm.memoryMap }),
      notices: () => heard.lines,
    },
  );
  for (const line of lines(output, result)) stderr.line(line);
  if (json) stdout.json(figures(output, result));
  return 0;
}

async function compiled(filter: string) {
  const { compileFilter } = await import('../../bpmp/filter/index.js');
  return compileFilter(filter);
}

/** What is told to people while a source is read; the page says it too. */
class Heard extends Output {
  readonly lines: string[] = [];
  readonly #people: Output;

  constructor(people: Output) {
    super(new PassThrough());
    this.#people = people;
  }

  override line(text: string): void {
    this.lines.push(text.replace(/^gpuvm: (warning: )?/, ''));
    this.#people.line(text);
  }
}

async function readVm(file: string): Promise<{ memoryMap: string; policy: string | undefined }> {
  const config = await loadVmFile(file);
  const [plan, { drawMemoryMap }] = await Promise.all([makePlan(config), import('../plan/svg/index.js')]);
  return { memoryMap: drawMemoryMap(plan), policy: config.policy };
}

/** The lines of a policy, compiled as a bridge would, that would allow what it refuses. */
async function fixesOf(file: string): Promise<FixOf> {
  const compiled = await compileFor(await loadPolicy(file), new SimulatedBpmp());
  return (mrq, tx) => compiled.explain(mrq, tx).fix;
}

function parseLimit(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const limit = Number(text);
  if (Number.isInteger(limit) && limit >= LEAST_LIMIT && limit <= MOST_LIMIT) return limit;
  throw new GpuvmError(
    'GPUVM_USAGE',
    `--limit takes a number from ${LEAST_LIMIT} to ${MOST_LIMIT}, not ${JSON.stringify(text)}`,
  );
}

function sourceName(word: string | undefined): string {
  if (word === undefined) return 'the running VM';
  return word === '-' ? 'standard input' : basename(word);
}

function versionOf(): string {
  const { version } = createRequire(import.meta.url)(
    import.meta.url.endsWith('.ts') ? '../../../package.json' : '../../package.json',
  ) as { version: string };
  return version;
}

function lines(output: string, { size, summary }: ReportResult): string[] {
  const { transfers, kept, denials, otherDenials } = summary;
  const refused = denials.reduce((sum, { count }) => sum + count, otherDenials);
  const said = [
    `gpuvm: ${output}: ${transfers} transfers, ${refused} refused; ${(size / 1e6).toFixed(1)} MB`,
  ];
  if (kept.rows < transfers)
    said.push(
      `gpuvm: ${kept.rows} of them are in it one by one: every ${kept.ordinary}th of the ordinary ones and ${
        kept.notable === 1 ? 'all' : `every ${kept.notable}th`
      } of the refused and failed ones; the figures count all. --limit takes more, --filter fewer`,
    );
  return said;
}

function figures(output: string, { size, summary }: ReportResult) {
  const { transfers, outcomes, spanNs, vms, kept, lost } = summary;
  return { output, size, transfers, outcomes, spanNs, vms, kept, lost: lost.transfers };
}
