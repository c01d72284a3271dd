import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { findVm } from '../../../../src/control/index.js';
import { group, reference } from './orin-state.js';
import { gone, openers, Running } from './run-vm.js';

const EXAMPLE = join(dirname(dirname(import.meta.dirname)), 'examples/orin-twin.yaml');
/** Beside it, where its policy is found; in the twin's memory. */
const FILE = EXAMPLE.replace('.yaml', '-asked.yaml');
const NAME = 'orin-twin';
const MARK = 'gpuvm-guest: ';
/** Its kernel asks for each of 476 clocks, one after the other. */
const BOOT_MS = 300_000;

export interface Answer {
  readonly id: number;
  readonly ok: boolean;
  readonly text?: string;
  readonly message?: string;
}

/** The VM of examples/orin-twin.yaml with a guest that does as it is asked (guest/mainline/agent). */
export class OrinGuest {
  readonly run: Running;
  #nextId = 1;

  private constructor(events: string) {
    // By itself it shows what there is and powers off; here it is asked.
    const append = /^append: .*$/m;
    writeFileSync(FILE, readFileSync(EXAMPLE, 'utf8').replace(append, 'append: quiet loglevel=3 mem=512M'));
    this.run = new Running([FILE, '--events', events, '--verbose']);
  }

  /** Starts it, until the guest's first program runs. */
  static async boot(events: string): Promise<OrinGuest> {
    const guest = new OrinGuest(events);
    try {
      await guest.run.until(
        "the guest's first program",
        ({ stdout }) => stdout.includes('"event":"init"'),
        BOOT_MS,
      );
    } catch (error) {
      // It is not to be in the way of the next one.
      guest.run.child.kill('SIGKILL');
      await guest.run.ended;
      throw error;
    }
    return guest;
  }

  get supervisor(): number {
    return this.run.child.pid!;
  }

  /** Who has each of the VM's groups open. */
  holders(): Record<string, { pid: number; name: string }[]> {
    return Object.fromEntries(reference.map((name) => [name, openers(`/dev/vfio/${group(name)}`)]));
  }

  async ask(request: string): Promise<Answer> {
    const id = this.#nextId++;
    this.run.child.stdin!.write(`${id} ${request}\n`);
    return this.run.until(request, ({ stdout }) => {
      for (const line of stdout.split('\n').slice(0, -1)) {
        const at = line.indexOf(MARK);
        if (at < 0) continue;
        const answer = JSON.parse(line.slice(at + MARK.length)) as Answer;
        if (answer.id === id) return answer;
      }
      return undefined;
    });
  }

  async must(request: string): Promise<string> {
    const answer = await this.ask(request);
    if (!answer.ok) throw new Error(`${request}: ${answer.message}`);
    return answer.text ?? '';
  }

  async qmp(execute: string): Promise<unknown> {
    return (await findVm(NAME)).qmp(execute);
  }

  /** SIGKILL to the supervisor; QEMU goes with it. */
  async killSupervisor(qemu: number): Promise<void> {
    this.run.child.kill('SIGKILL');
    await this.run.ended;
    await gone(qemu);
    // What the kernel still has to close.
    for (let i = 0; i < 100 && Object.values(this.holders()).flat().length > 0; i++) await setTimeout(20);
  }
}
