import type { Readable, Writable } from 'node:stream';
import { Output } from './output.js';

/** What a command has to do with the world: data goes to `stdout`, everything for people to `stderr`. */
export interface Context {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Output;
  readonly stderr: Output;
  /** Data is to be JSON, one document or one line each. */
  readonly json: boolean;
  readonly verbose: boolean;
}

export function processContext(options: { json?: unknown; verbose?: unknown }): Context {
  return {
    stdin: process.stdin,
    stdout: new Output(process.stdout),
    stderr: new Output(process.stderr),
    json: options.json === true,
    verbose: options.verbose === true,
  };
}

/** Whether text for this stream may have colour: a terminal, unless NO_COLOR says no or FORCE_COLOR yes. */
export function wantsColour(stream: Writable & { isTTY?: boolean }, env = process.env): boolean {
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR && env.FORCE_COLOR !== '0') return true;
  return stream.isTTY === true && env.TERM !== 'dumb';
}
