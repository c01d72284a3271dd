/** Small, repeatable damage to a text: what a slip of the hand, a bad merge or a broken disk makes of a VM file. */
export type Random = (below: number) => number;

/** Marsaglia's xorshift: the same numbers for the same seed, everywhere. */
export function randomFrom(seed: number): Random {
  let state = (seed ^ 0x9e3779b9) >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state % below;
  };
}

/** Words that mean something to YAML, to the schema, to a path or to JavaScript. */
const words = [
  ...['', ' ', '\t', '\n', '  ', '- ', ': ', ', ', '[', ']', '{', '}', '"', "'", '#', '|', '>', '&a ', '*a'],
  ...[
    '!!int ',
    '!!binary ',
    '<<: *a',
    '? ',
    '---\n',
    '...\n',
    '%YAML 1.1\n',
    '\uFEFF',
    '\0',
    '\r\n',
    '\u2028',
  ],
  ...[
    'null',
    '~',
    'true',
    'yes',
    '.nan',
    '-.inf',
    '0',
    '-1',
    '0x',
    '0xffffffffffffffff',
    '1e400',
    '007',
    '1_000',
  ],
  ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'length'],
  ...[
    'kind',
    'host',
    'file',
    'name',
    'machine',
    'memory: 2G',
    'vfio-user',
    'ivc',
    'hugepages',
    'tap',
    'user',
  ],
  ...[
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the VM file's own variables
    '${here}',
    '${',
    '~/',
    '../..',
    'a,b=c',
    '0000:01:00.0',
    '4K',
    '99999999999999T',
    '1.5h',
    '0-8191',
    '5-1',
  ],
  ...['x'.repeat(200), '\ud800', '💥'],
];

/** `text` with one to four changes. */
export function mutate(text: string, random: Random): string {
  let mutated = text;
  for (let changes = 1 + random(4); changes > 0; changes--) mutated = mutateOnce(mutated, random);
  return mutated;
}

function mutateOnce(text: string, random: Random): string {
  const at = random(text.length + 1);
  const end = Math.min(text.length, at + 1 + random(8));
  const lines = text.split('\n');
  const line = random(lines.length);
  switch (random(9)) {
    case 0:
      return text.slice(0, at) + text.slice(end);
    case 1:
      return text.slice(0, at) + words[random(words.length)]! + text.slice(at);
    case 2:
      return text.slice(0, at) + words[random(words.length)]! + text.slice(end);
    case 3:
      return text.slice(0, at) + String.fromCharCode(random(256)) + text.slice(at + 1);
    case 4:
      return lines.toSpliced(line, 1).join('\n');
    case 5:
      return lines.toSpliced(random(lines.length + 1), 0, lines[line]!).join('\n');
    case 6:
      return lines.with(line, ` ${lines[line]!}`).join('\n');
    case 7:
      return lines.with(line, lines[line]!.replace(/: .*/, `: ${words[random(words.length)]!}`)).join('\n');
    default:
      return lines.with(line, lines[line]!.replace(/\w+:/, `${words[random(words.length)]!}:`)).join('\n');
  }
}
