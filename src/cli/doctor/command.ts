import { statSync } from 'node:fs';
import { GpuvmError } from '../../errors.js';
import { type Finding, worst } from '../../finding.js';
import type { Call } from '../command.js';
import { type Context, wantsColour } from '../context.js';
import { examine } from './examine.js';
import { gather } from './given.js';
import { rows } from './table.js';
import { countLine, findingLines } from './text.js';

export async function run({ args: [file], options }: Call, context: Context): Promise<number> {
  const { stdout, json, verbose } = context;
  const text = (name: string) => (options[name] === undefined ? undefined : String(options[name]));
  const sysroot = text('sysroot');
  if (sysroot !== undefined && !statSync(sysroot, { throwIfNoEntry: false })?.isDirectory())
    throw new GpuvmError('GPUVM_FILE', `--sysroot ${sysroot} is no folder`);
  const given = await gather({
    file,
    sysroot,
    hostTree: text('hostTree'),
    stateDir: text('stateDir'),
  });
  const findings = await examine(rows, given);
  const ok = worst(findings) !== 'fail';
  if (json) stdout.json({ ok, findings: findings.map(plain) });
  else {
    const colour = wantsColour(stdout.stream);
    for (const line of findingLines(findings, { colour, verbose })) stdout.line(line);
    stdout.line('');
    stdout.line(countLine(findings));
  }
  return ok ? 0 : 1;
}

/** The keys that are promised, in their order. */
function plain({ id, status, what, evidence, fix, device }: Finding): Finding {
  return {
    id,
    status,
    what,
    evidence,
    ...(fix !== undefined && { fix }),
    ...(device !== undefined && { device }),
  };
}
