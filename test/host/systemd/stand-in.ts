import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

export interface Heard {
  readonly text: string;
  /** What each descriptor was, such as `/dev/zero`. */
  readonly fds: readonly string[];
  readonly pid: number;
}

/** Listens where NOTIFY_SOCKET points, in place of systemd. */
export class StandInManager {
  readonly heard: Heard[] = [];
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;

  private constructor(name: string, ...how: string[]) {
    const script = join(import.meta.dirname, 'manager.py');
    this.#child = spawn('python3', [script, name, ...how], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface(this.#child.stdout)[Symbol.asyncIterator]();
  }

  static async listen(name: string, ...how: string[]): Promise<StandInManager> {
    const manager = new StandInManager(name, ...how);
    await manager.#lines.next();
    return manager;
  }

  /** The next datagram. */
  async next(): Promise<Heard> {
    const { value } = await this.#lines.next();
    return JSON.parse(value) as Heard;
  }

  /** Lets a slow one begin to read. */
  read(): void {
    this.#child.stdin.write('\n');
  }

  close(): void {
    this.#child.kill('SIGKILL');
  }
}
