import { PassThrough, Readable } from 'node:stream';
import { Output } from '../../src/cli/output.js';

/** A command's surroundings, held in memory. */
export function world(input: string | Iterable<string | Uint8Array> = '', { json = false } = {}) {
  const out = new PassThrough();
  const err = new PassThrough();
  const texts = { out: '', err: '' };
  out.on('data', (chunk) => {
    texts.out += chunk;
  });
  err.on('data', (chunk) => {
    texts.err += chunk;
  });
  const stdin = Readable.from(typeof input === 'string' ? [Buffer.from(input)] : input);
  return {
    context: { stdin, stdout: new Output(out), stderr: new Output(err), json, verbose: false },
    /** What was written, as lines. */
    get stdout(): string[] {
      return texts.out.split('\n').slice(0, -1);
    },
    get stderr(): string[] {
      return texts.err.split('\n').slice(0, -1);
    },
  };
}
