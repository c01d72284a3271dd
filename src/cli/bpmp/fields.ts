import { type Field, fields } from '../../bpmp/fields/index.js';
import { GpuvmError } from '../../errors.js';
import { nearest } from '../../nearest.js';
import type { Call } from '../command.js';
import type { Context } from '../context.js';

/** The fields that a filter, the dissector and reports know; those with all of the words in their names or meanings. */
export async function run({ args: words }: Call, { stdout, json }: Context): Promise<number> {
  const wanted = words.map((word) => word.toLowerCase());
  const chosen = fields.filter((field) => wanted.every((word) => has(field, word)));
  if (chosen.length === 0) throw noSuch(words);
  if (json) {
    stdout.json(chosen.map(asJson));
    return 0;
  }
  const [name, type] = [widest(chosen, (field) => field.name), widest(chosen, typeText)];
  for (const field of chosen)
    stdout.line(`${field.name.padEnd(name)}  ${typeText(field).padEnd(type)}  ${field.meaning}`);
  return 0;
}

function has({ name, meaning }: Field, word: string): boolean {
  return name.includes(word) || meaning.toLowerCase().includes(word);
}

function typeText({ type, wide }: Field): string {
  return wide ? `${type}64` : type;
}

function widest(chosen: readonly Field[], text: (field: Field) => string): number {
  return Math.max(...chosen.map((field) => text(field).length));
}

function asJson(field: Field) {
  const { name, type, wide, unit, label, meaning, numbers } = field;
  return {
    name,
    type,
    ...(wide && { wide }),
    ...(unit && { unit }),
    label,
    meaning,
    ...(numbers && { names: numbers }),
  };
}

function noSuch(words: readonly string[]): GpuvmError {
  const word = words.join(' ');
  const meant = nearest(
    word,
    fields.map(({ name }) => name),
  );
  const help = meant === undefined ? 'without words it lists all' : `did you mean ${meant}?`;
  return new GpuvmError(
    'GPUVM_USAGE',
    `no field has ${JSON.stringify(word)} in its name or meaning: ${help}`,
  );
}
