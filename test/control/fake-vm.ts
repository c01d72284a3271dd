import type { ControlledVm, VmEvent, VmStatus } from '../../src/control/index.js';

/** A VM that does nothing but remember what was asked of it. */
export class FakeVm implements ControlledVm {
  readonly name: string;
  state = 'running';
  /** What was called, in order. */
  readonly calls: string[] = [];
  readonly typed: Buffer[] = [];
  bpmp?: ControlledVm['bpmp'];
  metrics?: ControlledVm['metrics'];
  bpmpRequest?: ControlledVm['bpmpRequest'];
  onQmp: (command: string, args?: Record<string, unknown>) => unknown = () => ({});
  /** What the guest has not yet taken of what was typed; undefined where it takes all at once. */
  typing: (() => Promise<void>) | undefined;
  readonly #events: VmEvent[] = [];
  readonly #lines: string[] = [];
  #console = Buffer.alloc(0);
  readonly #watchers = {
    event: new Set<(event: VmEvent) => void>(),
    line: new Set<(line: string) => void>(),
    console: new Set<(chunk: Uint8Array) => void>(),
  };

  constructor(name = 'orin') {
    this.name = name;
  }

  status(): VmStatus | Promise<VmStatus> {
    return {
      name: this.name,
      state: this.state,
      since: '2026-01-31T12:00:00.000Z',
      file: '/etc/gpuvm/orin.yaml',
      pid: 4242,
      supervisorPid: process.pid,
      restarts: 2,
      uptimeMs: 3_725_000,
      bridge: { totals: { allow: 11, deny: 3, absorb: 1, malformed: 0 } },
      devices: ['17000000.gpu'],
    };
  }

  stop(): void {
    this.calls.push('stop');
    this.state = 'stopping';
  }

  async pause(): Promise<void> {
    this.calls.push('pause');
    this.state = 'paused';
  }

  async resume(): Promise<void> {
    this.calls.push('resume');
    this.state = 'running';
  }

  async reset(): Promise<void> {
    this.calls.push('reset');
  }

  async qmp(command: string, args?: Record<string, unknown>): Promise<unknown> {
    this.calls.push(`qmp ${command}`);
    return this.onQmp(command, args);
  }

  readonly console = {
    recent: () => this.#console,
    subscribe: (fn: (chunk: Uint8Array) => void) => subscribe(this.#watchers.console, fn),
    write: async (data: Uint8Array) => {
      this.typed.push(Buffer.from(data));
      await this.typing?.();
    },
  };

  onEvent(fn: (event: VmEvent) => void): () => void {
    return subscribe(this.#watchers.event, fn);
  }

  recentEvents(): readonly VmEvent[] {
    return this.#events;
  }

  logs(): readonly string[] {
    return this.#lines;
  }

  onLog(fn: (line: string) => void): () => void {
    return subscribe(this.#watchers.line, fn);
  }

  /** The guest speaks. */
  say(data: string | Uint8Array): void {
    const chunk = Buffer.from(data as string);
    this.#console = Buffer.concat([this.#console, chunk]).subarray(-256 * 1024);
    for (const fn of this.#watchers.console) fn(chunk);
  }

  happen(event: string, fields: object = {}, time = new Date().toISOString()): void {
    const happened = { event, time, ...fields };
    this.#events.push(happened);
    for (const fn of this.#watchers.event) fn(happened);
  }

  log(line: string): void {
    this.#lines.push(line);
    for (const fn of this.#watchers.line) fn(line);
  }

  /** How many listen, of all kinds. */
  get watchers(): number {
    const { event, line, console } = this.#watchers;
    return event.size + line.size + console.size;
  }
}

function subscribe<T>(to: Set<T>, fn: T): () => void {
  to.add(fn);
  return () => to.delete(fn);
}
