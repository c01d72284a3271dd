import { writeFile } from 'node:fs/promises';
import { loadVmFile } from '../../config/index.js';
import { printTree, writeTree } from '../../devicetree/index.js';
import { GpuvmError } from '../../errors.js';
import type { GuestTreeReport } from '../../passthrough/index.js';
import { plannedTree } from '../../vm/tree/planned.js';
import type { Call } from '../command.js';
import type { Context } from '../context.js';

/** The tree on stdout or in a file, as a blob or as source; what people are to know of it on stderr. */
export async function run({ args: [file], options }: Call, context: Context): Promise<number> {
  const { stdout, stderr, json, verbose } = context;
  const text = (name: string) => (options[name] === undefined ? undefined : String(options[name]));
  const output = text('output');
  const { tree, devices } = await plannedTree(await loadVmFile(file!), {
    sysroot: text('sysroot'),
    hostTree: text('hostTree'),
    qemuTree: text('qemuTree'),
  }).catch(withoutQemu);
  const isSource = options.dts === true || (output !== undefined && /\.dts$/.test(output));
  const made = isSource ? printTree(tree) : writeTree(tree);
  if (output !== undefined) await save(output, made);
  if (json) stdout.json({ ...reportOf(devices), ...(output !== undefined && { output }) });
  else if (output === undefined) {
    if (!isSource && stdout.stream.isTTY)
      throw new GpuvmError(
        'GPUVM_USAGE',
        'a blob is nothing for a terminal: give -o FILE, or --dts for its source',
      );
    stdout.write(made);
  }
  if (devices && !json) tell(devices, verbose, (line) => stderr.line(line));
  return 0;
}

/** A VM's QEMU need not run where its tree is made. */
function withoutQemu(error: unknown): never {
  if (!GpuvmError.is(error, 'GPUVM_QEMU_START') && !GpuvmError.is(error, 'GPUVM_QEMU_UNSUITABLE'))
    throw error;
  throw new GpuvmError(
    error.code,
    `${error.message}: run this where it can run, or give the tree that it makes there by -machine dumpdtb=FILE (--qemu-tree)`,
    { cause: error, details: error.details },
  );
}

function reportOf(devices: GuestTreeReport | undefined) {
  const { memory = [], ...rest } = devices ?? { devices: [], changes: [], findings: [] };
  return {
    ...rest,
    memory: memory.map(({ name, address, size, reason }) => ({ name, address, size, reason })),
  };
}

function tell(
  { findings, changes, devices }: GuestTreeReport,
  verbose: boolean,
  line: (text: string) => void,
): void {
  if (verbose) {
    for (const { host, profile, path } of devices) line(`${host}: ${path}, by the profile ${profile}`);
    for (const { path, property, what, reason } of changes) line(`${path}: ${property} ${what}: ${reason}`);
  }
  for (const { status, what, fix } of findings)
    line(`gpuvm: ${status === 'warn' ? 'warning: ' : ''}${what}${fix === undefined ? '' : `: ${fix}`}`);
}

async function save(path: string, made: string | Uint8Array): Promise<void> {
  try {
    await writeFile(path, made);
  } catch (cause) {
    throw new GpuvmError('GPUVM_FILE', `the device tree cannot be saved: ${(cause as Error).message}`, {
      cause,
    });
  }
}
