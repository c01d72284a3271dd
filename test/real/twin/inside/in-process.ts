import { Writable } from 'node:stream';
import { describeFailure } from '../../../../src/cli/failure.js';
import { Output } from '../../../../src/cli/output.js';
import { buildProgram } from '../../../../src/cli/program.js';
import type { Ended } from './processes.js';

export interface Said {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly tookMs: number;
}

/**
 * A command of gpuvm in this process: all of it but the start of Node, which takes seconds where the processor is emulated.
 * For those that are not killed, and need not be somebody else.
 */
export async function command(...words: readonly string[]): Promise<Said> {
  const started = performance.now();
  const said = { stdout: '', stderr: '' };
  const into = (name: 'stdout' | 'stderr') =>
    new Output(
      new Writable({
        write(chunk: Buffer, _encoding, done) {
          said[name] += chunk.toString();
          done();
        },
      }),
    );
  let status = 64;
  const program = buildProgram('0.0.0', async ({ load }, call) => {
    const json = call.options.json === true;
    const [stdout, stderr] = [into('stdout'), into('stderr')];
    try {
      const { run } = await load();
      status = await run(call, { stdin: process.stdin, stdout, stderr, json, verbose: false });
    } catch (error) {
      const failure = describeFailure(error, false);
      if (json) stdout.json(failure.json);
      for (const line of failure.lines) stderr.line(line);
      status = failure.status;
    }
  });
  await program.parseAsync(words, { from: 'user' });
  return { status, ...said, tookMs: Math.round(performance.now() - started) };
}

/** The same, as what a process would have ended with. */
export async function here(...words: readonly string[]): Promise<Ended> {
  return { ...(await command(...words)), signal: null };
}
