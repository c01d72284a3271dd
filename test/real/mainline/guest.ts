import type { SimulatedState } from '../../../src/bpmp/backend/index.js';
import type { DenialEvent } from '../../../src/bpmp/mediator/index.js';
import type { BridgeEnded, BridgeHandle } from '../../../src/bpmp/worker/index.js';
import { startVm, type TestVm } from '../../../src/testing/index.js';
import type { SupervisorReport } from '../../../src/vm/index.js';
import { type GuestOptions, vmFile } from './vm-file.js';

/** The answer to one request; fields as guest/mainline/agent has them. */
export interface Answer {
  readonly id: number;
  readonly ok: boolean;
  readonly text?: string;
  readonly errno?: number;
  readonly message?: string;
  readonly what?: string;
  readonly done?: number;
  readonly failed?: number;
  readonly wrong?: number;
  readonly ms?: number;
  readonly complaint?: string;
}

interface Init {
  /** How long the kernel has run, as it counts, and when that was for the host. */
  readonly bootMs: number;
  readonly cpus: number;
  readonly atMs: number;
}

export interface Ended {
  readonly report: SupervisorReport;
  readonly ended: BridgeEnded | undefined;
}

const MARK = 'gpuvm-guest: ';
const BOOT_MS = 60_000;

/** A running mainline guest, asked by lines over its console. */
export class Guest {
  readonly vm: TestVm;
  /** Undefined without a bridge. */
  bridge: BridgeHandle | undefined;
  /** What the guest's kernel wrote to the console. */
  readonly console: string[] = [];
  readonly denials: DenialEvent[] = [];
  readonly inits: Init[] = [];
  /** When QEMU was there. */
  startedMs = 0;
  #ended: BridgeEnded | undefined;
  #nextId = 1;
  #rest = '';
  readonly #answers = new Map<number, (answer: Answer) => void>();
  #initWaiters: (() => void)[] = [];
  #gone: Error | undefined;
  readonly #onGone: ((error: Error) => void)[] = [];

  private constructor(vm: TestVm) {
    this.vm = vm;
    const { supervisor } = vm;
    supervisor.on('bridge', (handle) => {
      this.bridge = handle;
      handle.on('denial', (denial) => this.denials.push(denial));
    });
    supervisor.on('bridge-ended', (ended) => {
      this.#ended = ended;
    });
    supervisor.on('qemu', () => {
      this.startedMs = performance.now();
    });
    supervisor.console.subscribe((chunk) => this.#onConsole(String(chunk)));
    vm.ended.then(
      ({ message, stderr }) => this.#lose(new Error(`${message} ${stderr.join(' ')}`)),
      (error: Error) => this.#lose(error),
    );
  }

  /** Starts a VM and waits for its init. */
  static async boot(options: GuestOptions = {}): Promise<Guest> {
    const { record = false } = options;
    const guest = new Guest(await startVm(vmFile(options), { record, until: 'started' }));
    await guest.init(1);
    return guest;
  }

  /** Waits for the nth time that the guest's first program begins. */
  async init(nth: number, deadlineMs = BOOT_MS): Promise<Init> {
    const until = performance.now() + deadlineMs;
    while (this.inits.length < nth) {
      const next = new Promise<void>((resolve) => this.#initWaiters.push(resolve));
      await this.#within(next, until - performance.now(), `init number ${nth}`);
    }
    return this.inits[nth - 1]!;
  }

  /** One request; rejects where the guest does not answer. */
  ask(request: string, deadlineMs = 30_000): Promise<Answer> {
    const id = this.#nextId++;
    const answer = new Promise<Answer>((resolve) => this.#answers.set(id, resolve));
    void this.vm.console.type(`${id} ${request}\n`);
    return this.#within(answer, deadlineMs, request);
  }

  /** As `ask`, of which `ok` is expected. */
  async must(request: string, deadlineMs?: number): Promise<Answer> {
    const answer = await this.ask(request, deadlineMs);
    if (!answer.ok) throw new Error(`${request}: ${answer.what ?? ''}: ${answer.message ?? ''}`);
    return answer;
  }

  /** A file's text, without the line's end. */
  async read(path: string): Promise<string> {
    return ((await this.must(`read ${path}`)).text ?? '').replace(/\n$/, '');
  }

  async list(path: string): Promise<string[]> {
    return ((await this.must(`list ${path}`)).text ?? '').split('\n').filter((name) => name !== '');
  }

  async write(path: string, text: string): Promise<void> {
    await this.must(`write ${path} ${text}`);
  }

  /** The kernel's log, without its levels and times. */
  async log(): Promise<string[]> {
    const { text = '' } = await this.must('log');
    return text.split('\n').map((line) => line.replace(/^<\d+>\[[^\]]*\] /, ''));
  }

  /** What the simulated BPMP holds now. */
  state(): Promise<SimulatedState> {
    return this.bridge!.backendState() as Promise<SimulatedState>;
  }

  /** Has the guest power off, and waits for the VM's end. */
  async powerOff(): Promise<Ended> {
    await this.ask('poweroff');
    return this.end();
  }

  /** Waits for the VM's end. */
  async end(deadlineMs = BOOT_MS): Promise<Ended> {
    const report = await this.#within(this.vm.ended, deadlineMs, 'the end', true);
    return { report, ended: this.#ended };
  }

  /** For what a failed test left behind. */
  async kill(): Promise<void> {
    await this.vm.close();
  }

  #onConsole(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop()!;
    for (const line of lines) {
      const at = line.indexOf(MARK);
      if (at < 0) this.console.push(line.trimEnd());
      else this.#onMessage(JSON.parse(line.slice(at + MARK.length)) as Answer & Init & { event?: string });
    }
  }

  #onMessage(message: Answer & Init & { event?: string }): void {
    if (message.event === 'init') {
      const { bootMs, cpus } = message;
      this.inits.push({ bootMs, cpus, atMs: performance.now() });
      for (const resolve of this.#initWaiters.splice(0)) resolve();
    } else {
      this.#answers.get(message.id)?.(message);
      this.#answers.delete(message.id);
    }
  }

  #lose(error: Error): void {
    this.#gone = error;
    for (const reject of this.#onGone.splice(0)) reject(error);
  }

  /** A guest that ends, or says nothing for too long, is told of with the last that it said. */
  #within<T>(promise: Promise<T>, deadlineMs: number, what: string, isEnd = false): Promise<T> {
    return new Promise((resolve, reject) => {
      const fail = (why: string) => {
        clearTimeout(timer);
        reject(new Error(`${what}: ${why}\n${this.console.slice(-30).join('\n')}`));
      };
      const timer = setTimeout(fail, Math.max(deadlineMs, 0), `nothing for ${deadlineMs} ms`);
      promise.then((value) => {
        clearTimeout(timer);
        resolve(value);
      }, reject);
      if (isEnd) return;
      if (this.#gone !== undefined) fail(this.#gone.message);
      else this.#onGone.push((error) => fail(error.message));
    });
  }
}
