import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { open, refusal } from './opening.js';

/** What this script does in a process of its own. */
export const OTHER = 'other';

const IOVA = 0x100000n;

/** For each line `try NAME KIB` or `hold NAME KIB` of stdin opens the device, gives it so much memory, and says what came of it. */
export function answer(): void {
  createInterface(process.stdin).on('line', (line) => {
    const [verb, name, kib] = line.split(' ') as [string, string, string];
    const refused = refusal(() => {
      const device = open(name);
      try {
        device.allocate({ sizeBytes: Number(kib) * 1024, iova: IOVA });
        // So that it is in use.
        if (verb === 'hold') device.enableInterrupt('msi');
      } finally {
        if (verb === 'try') device.dispose();
      }
    });
    process.stdout.write(`${JSON.stringify(refused ?? null)}\n`);
  });
}

/** Another process, to be told what to open. */
export class OtherProcess {
  readonly #child;
  readonly #lines;
  readonly #closed: Promise<void>;

  /** As this user, with this limit of locked memory; as root without. Tells of itself before it is asked for anything. */
  constructor({ uid, memlockKib }: { uid?: number; memlockKib?: number } = {}) {
    const limited = `ulimit -l ${memlockKib ?? 'unlimited'} && exec "$0" "$@"`;
    this.#child = spawn('sh', ['-c', limited, process.execPath, process.argv[1]!, OTHER], {
      stdio: ['pipe', 'pipe', 'inherit'],
      ...(uid === undefined ? {} : { uid, gid: uid }),
    });
    this.#lines = createInterface(this.#child.stdout)[Symbol.asyncIterator]();
    this.#closed = new Promise((resolve) => this.#child.once('close', () => resolve()));
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** The refusal; null where the device was had. */
  async ask(verb: 'try' | 'hold', name: string, kib = 16): Promise<unknown> {
    this.#child.stdin.write(`${verb} ${name} ${kib}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`process ${this.pid} ended when it was to ${verb} ${name}`);
    return JSON.parse(value);
  }

  /** Kills it. */
  async end(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#closed;
  }
}
