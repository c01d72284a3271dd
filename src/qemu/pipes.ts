import type { ChildProcess } from 'node:child_process';
import { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { addon } from '../native/index.js';

/** A process's standard streams, seen from outside. */
export interface Streams {
  readonly input: Writable;
  readonly output: Readable;
  readonly errors: Readable;
}

/** The same as descriptors: what is written to, and what is read from. */
export interface StreamFds {
  readonly input: number;
  readonly output: number;
  readonly errors: number;
}

export function streamsOf({ stdin, stdout, stderr }: ChildProcess): Streams {
  return { input: stdin!, output: stdout!, errors: stderr! };
}

/** Takes the descriptors over. */
export function streamsOn({ input, output, errors }: StreamFds): Streams {
  const reading = (fd: number) => new Socket({ fd, readable: true, writable: false });
  return {
    input: new Socket({ fd: input, readable: false, writable: true }),
    output: reading(output),
    errors: reading(errors),
  };
}

/** Pipes of our own, which unlike Node's may be handed on: both ends of each. */
export function makePipes(): { ours: StreamFds; theirs: StreamFds } {
  const [input, output, errors] = [addon().pipe(), addon().pipe(), addon().pipe()];
  return {
    theirs: { input: input[0], output: output[1], errors: errors[1] },
    ours: { input: input[1], output: output[0], errors: errors[0] },
  };
}

export function closeFds({ input, output, errors }: StreamFds): void {
  for (const fd of [input, output, errors]) addon().closeFd(fd);
}
