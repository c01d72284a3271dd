import { Writable } from 'node:stream';

/** A guest's console to type into, whichever QEMU it is that listens. */
export interface TypedConsole {
  write(data: Uint8Array): void | Promise<void>;
}

/** Takes what is typed, and no end: who has no more to type may still read, and others may type. */
export function typingInto(console: TypedConsole): Writable {
  return new Writable({
    write(chunk: Uint8Array, _encoding, done) {
      void Promise.resolve(console.write(chunk)).then(() => done(), done);
    },
  });
}
