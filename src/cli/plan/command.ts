import { writeFile } from 'node:fs/promises';
import { loadVmFile, placesIn } from '../../config/index.js';
import { ExitStatus, formatPlace, GpuvmError } from '../../errors.js';
import { makePlan, type Plan } from '../../vm/plan/index.js';
import type { Call } from '../command.js';
import type { Context } from '../context.js';
import { shellCommand } from './argv.js';
import { type FindingWithPlace, planJson } from './json.js';

export async function run({ args: [file], options }: Call, context: Context): Promise<number> {
  const { stdout, stderr, json } = context;
  const text = (name: string) => (options[name] === undefined ? undefined : String(options[name]));
  const config = await loadVmFile(file!);
  const plan = await makePlan(config, {
    sysroot: text('sysroot') ?? '/',
    hostTree: text('hostTree'),
  });
  const findings = await located(plan);
  const argvOnly = options.argv === true;
  const status = statusOf(findings, argvOnly);
  if (argvOnly) {
    const whole = [plan.program, ...plan.argv];
    if (json) stdout.json(whole);
    else stdout.line(shellCommand(whole));
  } else if (options.svg !== undefined) {
    const { drawMemoryMap } = await import('./svg/index.js');
    const svg = drawMemoryMap(plan);
    if (options.svg === true) stdout.write(svg);
    else await save(String(options.svg), svg);
  } else if (json) {
    stdout.json(planJson(plan, findings, status === 0));
  } else {
    const { planText } = await import('./text.js');
    for (const line of planText(plan)) stdout.line(line);
  }
  for (const finding of findings) {
    // The arguments are what they are; whether the VM would run with them was not asked.
    if (argvOnly && finding.about !== 'file') continue;
    stderr.line(`gpuvm: ${lineOf(finding)}`);
  }
  return status;
}

async function located({ file, findings }: Plan): Promise<FindingWithPlace[]> {
  const placeOf = findings.some(({ at }) => at) ? await placesIn(file) : undefined;
  return findings.map(({ at, ...finding }) => ({ ...finding, ...(at && placeOf && { place: placeOf(at) }) }));
}

function statusOf(findings: readonly FindingWithPlace[], argvOnly: boolean): number {
  const failed = findings.filter(({ status }) => status === 'fail');
  if (failed.some(({ about }) => about === 'file')) return ExitStatus.CONFIG;
  return failed.length > 0 && !argvOnly ? ExitStatus.UNAVAILABLE : 0;
}

function lineOf({ status, place, what, fix }: FindingWithPlace): string {
  const where = place ? `${formatPlace(place)}: ` : '';
  return `${status === 'warn' ? 'warning: ' : ''}${where}${what}${fix === undefined ? '' : `: ${fix}`}`;
}

async function save(path: string, svg: string): Promise<void> {
  try {
    await writeFile(path, svg);
  } catch (cause) {
    throw new GpuvmError('GPUVM_FILE', `the drawing cannot be saved: ${(cause as Error).message}`, { cause });
  }
}
