import type { Command as Commander, CommanderError } from 'commander';
import { GpuvmError } from '../errors.js';
import { nearest } from '../nearest.js';

/** The command that the words name, as deep as they are known. */
function deepest(program: Commander, words: readonly string[]): Commander {
  let here = program;
  for (const word of words) {
    const next = here.commands.find((command) => command.name() === word);
    if (!next) break;
    here = next;
  }
  return here;
}

function fullName(command: Commander): string {
  return command.parent ? `${fullName(command.parent)} ${command.name()}` : command.name();
}

/** The help of what the words name. */
export function helpFor(program: Commander, words: readonly string[]): string {
  return deepest(program, words).helpInformation();
}

/** What was wrong with a command line, with the nearest thing that would have been right. */
export function usageError(program: Commander, words: readonly string[], error: CommanderError): GpuvmError {
  const command = deepest(program, words);
  const quoted = /'([^']*)'/.exec(error.message)?.[1] ?? '';
  return new GpuvmError(
    'GPUVM_USAGE',
    `${sentence(command, error, quoted)}; see ${fullName(command)} --help`,
  );
}

function sentence(command: Commander, error: CommanderError, quoted: string): string {
  if (error.code === 'commander.unknownCommand') {
    const names = command.commands.map((known) => known.name());
    return `there is no command "${quoted}" of ${fullName(command)}: ${hint(quoted, names)}`;
  }
  if (error.code === 'commander.unknownOption') {
    const options = command.options.map(({ long }) => long ?? '').concat('--help');
    return `${fullName(command)} has no option ${quoted}: ${hint(quoted, options)}`;
  }
  // Commander's own: "error: missing required argument 'file'".
  return `${fullName(command)}: ${error.message.replace(/^error: |\.$/g, '').replaceAll("'", '"')}`;
}

function hint(word: string, known: readonly string[]): string {
  const meant = nearest(word, known);
  return meant ? `did you mean "${meant}"?` : `there are ${known.join(', ')}`;
}
