import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { GpuvmError } from '../../errors.js';
import { nearest } from '../../nearest.js';
import type { Call } from '../command.js';
import type { Context } from '../context.js';

const FIRST = 'orin-gpu-vm';

export async function run({ args: [name = FIRST], options }: Call, context: Context): Promise<number> {
  const folder = examplesFolder();
  const names = (await readdir(folder)).flatMap((file) =>
    file.endsWith('.yaml') ? [file.slice(0, -'.yaml'.length)] : [],
  );
  if (options.list === true) return list(folder, names.sort(), context);
  if (!names.includes(name)) {
    const meant = nearest(name, names);
    const hint = meant ? `did you mean ${meant}?` : `there are ${names.sort().join(', ')}`;
    throw new GpuvmError('GPUVM_USAGE', `there is no example ${name}: ${hint}`);
  }
  const text = elsewhere(await readFile(join(folder, `${name}.yaml`), 'utf8'), folder);
  if (context.json) context.stdout.json({ name, text });
  else context.stdout.write(text);
  return 0;
}

async function list(folder: string, names: readonly string[], { stdout, json }: Context): Promise<number> {
  const examples = await Promise.all(
    names.map(async (name) => ({
      name,
      what: firstSentence(await readFile(join(folder, `${name}.yaml`), 'utf8')),
    })),
  );
  if (json) stdout.json(examples);
  else for (const { name, what } of examples) stdout.line(`${name.padEnd(16)}${what}`);
  return 0;
}

/** The comment that an example begins with, to its first full stop. */
function firstSentence(text: string): string {
  const comment = text
    .split('\n')
    .filter((line) => !line.startsWith('# yaml-language-server'))
    .slice(0, 6)
    .filter((line) => line.startsWith('#'))
    .map((line) => line.slice(1).trim())
    .join(' ');
  return /^.*?[.:](?= |$)/.exec(comment)?.[0].replace(/:$/, '.') ?? comment;
}

/** An example is to work wherever it is put: what it names of its neighbours is named in full. */
function elsewhere(text: string, folder: string): string {
  return text
    .replace(/^(policy: )(?=policies\/)/m, `$1${folder}/`)
    .replace(/^(# yaml-language-server: \$schema=)\.\.\//m, `$1${dirname(folder)}/`);
}

/** The package's own, wherever this file lies in it. */
function examplesFolder(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) folder = dirname(folder);
  return join(folder, 'examples');
}
