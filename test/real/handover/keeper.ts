import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import type { BridgeConfig, BridgeEnded, NamedFd } from '../../../src/bpmp/worker/index.js';
import { addon } from '../../../src/native/index.js';
import { bundleSupervisor } from './bundle.js';
import { Inbox, type Mail } from './mail.js';

const program = await bundleSupervisor();
const PATIENCE_MS = 30_000;
/** Descriptors from here on are inherited. */
const FIRST_KEPT = 4;

// A process of vitest's that is left without the one that started it would go on with its test.
const parent = process.ppid;
setInterval(() => process.ppid === parent || process.kill(process.pid, 'SIGKILL'), 500).unref();

/** All that have not been closed. */
const open = new Set<Keeper>();

/** For the end of each test, however it ends. */
export function closeKeepers(): void {
  for (const keeper of open) keeper.close();
}

/** A command that does not outlive this process, whatever ends it. */
export function mortal(file: string, args: readonly string[]): [string, string[]] {
  return ['setpriv', ['--pdeathsig', 'KILL', '--', file, ...args]];
}

/** Starts one supervisor after another and keeps their descriptors between them, as systemd does. */
export class Keeper {
  readonly #config: BridgeConfig;
  #kept: readonly NamedFd[] = [];
  #state: unknown;
  #child: ChildProcess | undefined;
  #socketFd = -1;
  #inbox: Inbox | undefined;
  /** What came of the present supervisor. */
  readonly #seen: Mail[] = [];

  constructor(config: BridgeConfig) {
    this.#config = config;
    open.add(this);
  }

  get names(): string[] {
    this.#take();
    return this.#kept.map(({ name }) => name);
  }

  /** @param socketFd - for an interposed bridge's first supervisor: its end of the wrapper's socket */
  async start(socketFd?: number): Promise<void> {
    this.launch(socketFd);
    await this.until('ready');
    this.#state = undefined;
  }

  /** Some supervisors in a row, each killed at any moment of its life, and then one that is left alone. */
  async torment(kills: number): Promise<void> {
    for (let i = 0; i < kills; i++) {
      // One half amid its guest's requests, one half while it starts and takes over.
      await wait(Math.random() * (i % 2 === 0 ? 60 : 300));
      await this.kill();
      if (i % 2 === 0 && i + 1 < kills) this.launch();
      else await this.start();
    }
  }

  /** As {@link start}, without waiting. */
  launch(socketFd?: number): void {
    const [ours, theirs] = addon().socketPair();
    const inherited = socketFd === undefined ? this.#kept.map(({ fd }) => fd) : [socketFd];
    const fds = this.#kept.map(({ name }, index) => ({ name, fd: FIRST_KEPT + index }));
    const { bridge } = this.#config;
    const config = {
      ...this.#config,
      ...(socketFd !== undefined && { bridge: { ...bridge, socketFd: FIRST_KEPT } }),
      ...(fds.length > 0 && { takeOver: { fds, state: this.#state } }),
    };
    this.#child = spawn(...mortal(process.execPath, [program]), {
      stdio: ['pipe', 'inherit', 'inherit', theirs, ...inherited],
      env: { ...process.env, GPUVM_TEST_CONFIG: JSON.stringify(config, plain) },
    });
    addon().closeFd(theirs);
    this.#socketFd = ours;
    this.#inbox = new Inbox(ours);
    this.#seen.length = 0;
  }

  /** What it has told of this, waiting for it. */
  async until(what: Mail['what']): Promise<Mail> {
    for (const start = performance.now(); ; await wait(2)) {
      const isOver = this.#take();
      const mail = this.#seen.find((seen) => seen.what === what);
      if (mail !== undefined) return mail;
      const failed = this.#seen.find((seen) => seen.what === 'failed');
      if (failed !== undefined) throw new Error(`the supervisor failed: ${String(failed.value)}`);
      if (isOver) throw new Error(`the supervisor ended before it was ${what}`);
      if (performance.now() - start > PATIENCE_MS) throw new Error(`the supervisor is not ${what}`);
    }
  }

  /** SIGKILL, and whatever it had sent by then is kept. */
  async kill(): Promise<void> {
    const child = this.#child as ChildProcess;
    child.kill('SIGKILL');
    await once(child, 'exit');
    this.#endOfChild();
  }

  /** A planned hand-over: it ends by itself. */
  async handOver(): Promise<void> {
    this.#child?.stdin?.write('hand-over\n');
    const { fds, value } = await this.until('handed-over');
    this.#keep(fds ?? []);
    this.#state = value;
    await this.#exited();
    this.#endOfChild();
  }

  /** To be called when the guest is gone, or with `close`, when it is not. */
  async ended(close = false): Promise<BridgeEnded> {
    if (close) this.#child?.stdin?.write('close\n');
    const { value } = await this.until('ended');
    await this.#exited();
    this.#endOfChild();
    return value as BridgeEnded;
  }

  /** Lets everything go. */
  close(): void {
    open.delete(this);
    if (this.#child?.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGKILL');
    this.#keep([]);
    if (this.#socketFd >= 0) addon().closeFd(this.#socketFd);
    this.#socketFd = -1;
  }

  async #exited(): Promise<void> {
    const child = this.#child as ChildProcess;
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }

  #endOfChild(): void {
    this.#take();
    this.#inbox?.discard();
    addon().closeFd(this.#socketFd);
    this.#socketFd = -1;
  }

  /** True at the end of the stream. */
  #take(): boolean {
    const mails = this.#inbox?.take();
    for (const mail of mails ?? []) {
      if (mail.what === 'kept') this.#keep(mail.fds ?? []);
      this.#seen.push(mail);
    }
    return mails === undefined;
  }

  #keep(fds: readonly NamedFd[]): void {
    for (const { fd } of this.#kept) addon().closeFd(fd);
    this.#kept = fds;
  }
}

function plain(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value;
}
