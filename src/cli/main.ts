#!/usr/bin/env node
import { createRequire } from 'node:module';
import { CommanderError } from 'commander';
import type { Call, Command } from './command.js';
import { processContext } from './context.js';
import { buildProgram } from './program.js';

const words = process.argv.slice(2);
const { version } = createRequire(import.meta.url)('../../package.json') as { version: string };

async function runCommand(command: Command, call: Call): Promise<void> {
  const context = processContext(call.options);
  try {
    const { run } = await command.load();
    process.exitCode = await run(call, context);
  } catch (error) {
    await fail(error, call.options.json === true, call.options.verbose === true);
  }
}

/** What explains errors is loaded when there is one. */
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

const program = buildProgram(version, runCommand);
try {
  await program.parseAsync(words, { from: 'user' });
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  const { helpFor, usageError } = await import('./usage.js');
  // Help and version that were asked for have been printed, and are no error.
  if (error.code === 'commander.help') {
    process.stderr.write(helpFor(program, words));
    process.exitCode = 64;
  } else if (error.exitCode !== 0) {
    await fail(usageError(program, words, error), words.includes('--json'), false);
  }
}
