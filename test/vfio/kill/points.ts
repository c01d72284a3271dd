import type { FileHandle } from 'node:fs/promises';
import { type JournalDisk, realDisk, type SysfsWriter } from '../../../src/journal/index.js';

/** Counts the moments at which a process could be killed so that it matters, and kills this one at one of them. */
export class Points {
  readonly names: string[] = [];
  readonly #killAt: number;

  /** `killAt`: the number of the moment; -1 for none. */
  constructor(killAt: number) {
    this.#killAt = killAt;
  }

  /** True where this is the moment: the caller leaves half its work behind and calls `die`. */
  isHere(name: string): boolean {
    this.names.push(name);
    return this.names.length - 1 === this.#killAt;
  }

  reach(name: string): void {
    if (this.isHere(name)) this.die();
  }

  die(): never {
    process.kill(process.pid, 'SIGKILL');
    throw new Error('still alive');
  }

  /** A disk with a moment before each of its steps, and one in the middle of each record. */
  disk(): JournalDisk {
    return {
      create: async (path) => {
        this.reach('create');
        return realDisk.create(path);
      },
      append: async (file: FileHandle, text: string) => {
        this.reach(`append ${text.slice(2, 8)}`);
        if (this.isHere(`append half of ${text.slice(2, 8)}`)) {
          await realDisk.append(file, text.slice(0, text.length / 2));
          this.die();
        }
        return realDisk.append(file, text);
      },
      sync: async (file) => {
        this.reach('sync');
        return realDisk.sync(file);
      },
      publish: async (from, to) => {
        this.reach('publish');
        return realDisk.publish(from, to);
      },
      remove: async (path) => {
        this.reach('remove');
        return realDisk.remove(path);
      },
    };
  }

  /** A writer with a moment before each write. After it comes the journal's next record. */
  writer(kernel: SysfsWriter): SysfsWriter {
    return {
      prepare: () => kernel.prepare(),
      close: () => kernel.close(),
      write: async (path, value) => {
        this.reach(`write ${path.split('/').slice(-2).join('/')}`);
        await kernel.write(path, value);
      },
    };
  }
}
