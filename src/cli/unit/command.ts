import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadVmFile } from '../../config/index.js';
import { GpuvmError } from '../../errors.js';
import { dropIn, endedUnit, recoverUnit, serviceUnit } from '../../host/systemd/index.js';
import type { Call } from '../command.js';
import type { Context } from '../context.js';
import { factsOf, templateFacts } from './facts.js';
import { ownProgram } from './program.js';

/** One file for systemd, its name relative to the folder of units. */
interface UnitFile {
  readonly name: string;
  readonly text: string;
}

export async function run(
  { args: [file], options }: Call,
  { stdout, stderr, json }: Context,
  program: readonly string[] = ownProgram(),
): Promise<number> {
  const isTemplate = options.template === true;
  if ((file === undefined) !== isTemplate) {
    throw new GpuvmError('GPUVM_USAGE', 'give a VM file, or --template and none');
  }
  const main = isTemplate ? template(program) : await unitOf(file!, program, options.dropIn === true);
  const folder = options.install === undefined ? undefined : String(options.install);
  if (folder === undefined) {
    if (json) stdout.json({ ok: true, ...main });
    else stdout.write(main.text);
    return 0;
  }
  const files = [
    main,
    { name: 'gpuvm-recover.service', text: recoverUnit(program) },
    { name: 'gpuvm-ended@.service', text: endedUnit(program) },
  ];
  for (const { name, text } of files) write(join(folder, name), text);
  if (json) stdout.json({ ok: true, folder, files: files.map(({ name }) => name) });
  else {
    for (const { name } of files) stdout.line(join(folder, name));
    stderr.line(`gpuvm: now: systemctl daemon-reload && systemctl enable --now ${serviceOf(main.name)}`);
  }
  return 0;
}

async function unitOf(file: string, program: readonly string[], isDropIn: boolean): Promise<UnitFile> {
  const config = await loadVmFile(file);
  const facts = factsOf(config, program);
  const made = `made by "gpuvm unit" from ${facts.file}; make it anew when that changes.`;
  if (isDropIn) {
    const name = `gpuvm@${config.name}.service.d/50-vm.conf`;
    return { name, text: dropIn(facts, `${name}: what ${config.name} needs, ${made}`) };
  }
  const name = `gpuvm-${config.name}.service`;
  return { name, text: serviceUnit(facts, `${name}: ${made}`) };
}

function template(program: readonly string[]): UnitFile {
  const head = `gpuvm@.service: gpuvm@NAME runs the VM of /etc/gpuvm/NAME.yaml, whose name: is NAME too. It suits a VM with the
    GPU whose QEMU runs as root; "gpuvm unit FILE --drop-in" makes it fit any other, and allows it nothing that it does not need.`;
  return { name: 'gpuvm@.service', text: serviceUnit(templateFacts(program), head) };
}

/** What `systemctl` is given. */
function serviceOf(name: string): string {
  return name.replace(/\.d\/.*$/, '').replace('@.', '@NAME.');
}

function write(path: string, text: string): void {
  try {
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, text);
  } catch (cause) {
    throw new GpuvmError('GPUVM_FILE', `the unit cannot be written: ${(cause as Error).message}`, { cause });
  }
}
