#!/usr/bin/env node
import { createRequire } from 'node:module';
import type { Call, Command } from './command.js';

// Everything else is imported when it is needed: a program that only prints its version loads next to nothing.
const words = process.argv.slice(2);
const { version } = createRequire(import.meta.url)('../../package.json') as { version: string };

// Help and versions are written without a context; who asks for them may stop reading, too (`gpuvm --help | head -1`).
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') process.exitCode ||= 74;
  });

async function runCommand(command: Command, call: Call): Promise<void> {
  const { processContext } = await import('./context.js');
  const context = processContext(call.options);
  try {
    const { run } = await command.load();
    process.exitCode = await run(call, context);
  } catch (error) {
    await fail(error, call.options.json === true, call.options.verbose === true);
  }
}

async function fail(error: unknown, json: boolean, verbose: boolean): Promise<void> {
  const { describeFailure } = await import('./failure.js');
  const failure = describeFailure(error, verbose);
  if (json) {
    const { toJson } = await import('./output.js');
    process.stdout.write(`${toJson(failure.json)}\n`);
  }
  process.stderr.write(`${failure.lines.join('\n')}\n`);
  process.exitCode = failure.status;
}

async function parse(): Promise<void> {
  const [{ CommanderError }, { buildProgram }] = await Promise.all([
    import('commander'),
    import('./program.js'),
  ]);
  const program = buildProgram(version, runCommand);
  try {
    await program.parseAsync(words, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help that was asked for has been printed, and is no error.
    if (error.exitCode === 0) return;
    const { helpFor, usageError } = await import('./usage.js');
    if (error.code === 'commander.help') {
      process.stderr.write(helpFor(program, words));
      process.exitCode = 64;
    } else {
      await fail(usageError(program, words, error), words.includes('--json'), false);
    }
  }
}

if (words.length === 1 && (words[0] === '--version' || words[0] === '-V'))
  process.stdout.write(`${version}\n`);
else {
  // What takes longest to load begins first.
  if (words[0] === 'run') void import('./run/begin.js').then(({ prepare }) => prepare(words.slice(1)));
  void parse();
}
