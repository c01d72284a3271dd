import type { IncomingMessage } from 'node:http';
import type { Duplex, Readable } from 'node:stream';
import { GpuvmError } from '../errors.js';
import { type BpmpAnswer, type BpmpRequest, bodyOf, readAnswer } from './bpmp-requests.js';
import type { BpmpStatus } from './bpmp-status.js';
import { type Call, call, readJson } from './call.js';
import { CONSOLE_PROTOCOL } from './console-upgrade.js';
import { linesOf } from './lines.js';
import { unreachable } from './unreachable.js';
import type { VmEvent, VmStatus } from './vm.js';

export interface ControlClientOptions {
  /** The VM's control socket; `findVm` has it by name. */
  readonly path: string;
  /** For each call that does not say otherwise; 30 s by default. */
  readonly deadlineMs?: number;
}

export interface FollowOptions {
  /** Go on with what comes until the VM has ended. */
  readonly follow?: boolean;
  /** How many of those before are wanted; all that are kept by default. */
  readonly recent?: number;
  /** Ends it; before anything has come with an AbortError. */
  readonly signal?: AbortSignal;
}

const DEADLINE_MS = 30_000;
/** The server's own deadline for what has none, and a little. */
const QMP_DEADLINE_MS = 125_000;
/** setTimeout takes no more: for what takes as long as it takes. */
const NO_DEADLINE_MS = 0x7fff_ffff;

/** A running VM, over its control socket. Each call is a connection of its own; errors are those of the catalogue. */
export class ControlClient {
  readonly path: string;
  readonly #deadlineMs: number;

  constructor({ path, deadlineMs = DEADLINE_MS }: ControlClientOptions) {
    this.path = path;
    this.#deadlineMs = deadlineMs;
  }

  status(): Promise<VmStatus> {
    return this.#json({ method: 'GET', path: '/v1/status' }) as Promise<VmStatus>;
  }

  /** What its bridge tells. Throws GPUVM_VM_STATE where the VM has none at present. */
  bpmp(): Promise<BpmpStatus> {
    return this.#json({ method: 'GET', path: '/v1/bpmp' }) as Promise<BpmpStatus>;
  }

  /** Its metrics, in the text format of Prometheus. */
  async metrics(): Promise<string> {
    const answer = await call(this.path, {
      method: 'GET',
      path: '/v1/metrics',
      deadlineMs: this.#deadlineMs,
    });
    if ('socket' in answer) throw unexpected(this.path);
    const chunks: Buffer[] = [];
    for await (const chunk of answer.response as AsyncIterable<Buffer>) chunks.push(chunk);
    return Buffer.concat(chunks).toString('utf8');
  }

  pause(): Promise<VmStatus> {
    return this.#json({
      method: 'POST',
      path: '/v1/pause',
      deadlineMs: QMP_DEADLINE_MS,
    }) as Promise<VmStatus>;
  }

  resume(): Promise<VmStatus> {
    return this.#json({
      method: 'POST',
      path: '/v1/resume',
      deadlineMs: QMP_DEADLINE_MS,
    }) as Promise<VmStatus>;
  }

  reset(): Promise<VmStatus> {
    return this.#json({
      method: 'POST',
      path: '/v1/reset',
      deadlineMs: QMP_DEADLINE_MS,
    }) as Promise<VmStatus>;
  }

  /**
   * Ends the VM: by its stop ladder, `now` without asking the guest first; called again, a rung further. With `wait` it
   * resolves with the last status when everything has ended, the host's devices given back.
   */
  stop({
    now = false,
    wait = false,
    signal,
  }: {
    now?: boolean;
    wait?: boolean;
    signal?: AbortSignal;
  } = {}): Promise<VmStatus> {
    return this.#json({
      method: 'POST',
      path: '/v1/stop',
      fields: { now, wait },
      deadlineMs: wait ? NO_DEADLINE_MS : QMP_DEADLINE_MS,
      signal,
    }) as Promise<VmStatus>;
  }

  /**
   * Asks its BPMP as its guest would, one request after the other: by its policy, in its ledger, within its rate. Throws
   * GPUVM_VM_STATE where no bridge serves, or no longer.
   */
  async *bpmpRequests(requests: readonly BpmpRequest[]): AsyncGenerator<BpmpAnswer, void> {
    const answer = await call(this.path, {
      method: 'POST',
      path: '/v1/bpmp/requests',
      bytes: bodyOf(requests),
      type: 'application/x-ndjson',
      deadlineMs: this.#deadlineMs,
    });
    if ('socket' in answer) throw unexpected(this.path);
    let answers = 0;
    for await (const line of linesOf(answer.response)) {
      yield readAnswer(line);
      answers++;
    }
    if (answers < requests.length)
      throw new GpuvmError('GPUVM_VM_STATE', 'the VM ended before it had answered all');
  }

  /** Executes a QMP command. Throws GPUVM_QMP_COMMAND with `details.class` where QEMU refuses it. */
  async qmp(
    execute: string,
    args?: Record<string, unknown>,
    { deadlineMs }: { deadlineMs?: number } = {},
  ): Promise<unknown> {
    const answer = await this.#json({
      method: 'POST',
      path: '/v1/qmp',
      fields: { execute, ...(args ? { arguments: args } : {}), ...(deadlineMs ? { deadlineMs } : {}) },
      deadlineMs: (deadlineMs ?? QMP_DEADLINE_MS) + 5_000,
    });
    return (answer as { return: unknown }).return;
  }

  /** What happened, and with `follow` what happens. `since` leaves out what is not after this time. */
  async *events(options: FollowOptions & { since?: Date } = {}): AsyncGenerator<VmEvent, void> {
    const since = options.since && { since: options.since.toISOString() };
    for await (const line of linesOf(await this.#stream('/v1/events', options, since)))
      yield JSON.parse(line);
  }

  /** QEMU's lines and the supervisor's, the last of them, and with `follow` those to come. */
  async *logs(options: FollowOptions = {}): AsyncGenerator<string, void> {
    yield* linesOf(await this.#stream('/v1/logs', options));
  }

  /**
   * The guest's console, to be read and typed into; `recent` bytes of what it said before come first. Ending it ends both
   * ways.
   */
  async console({ recent, signal }: Omit<FollowOptions, 'follow'> = {}): Promise<Duplex> {
    const answer = await call(this.path, {
      method: 'GET',
      path: withQuery('/v1/console', { recent }),
      upgrade: CONSOLE_PROTOCOL,
      deadlineMs: this.#deadlineMs,
      signal,
    });
    if ('response' in answer) throw unexpected(this.path);
    if (answer.head.length > 0) answer.socket.unshift(answer.head);
    return answer.socket;
  }

  /** What the console said, without typing. */
  async readConsole(options: FollowOptions = {}): Promise<Readable> {
    return this.#stream('/v1/console', { ...options, follow: options.follow ?? false });
  }

  /**
   * What the VM asked of the BPMP and what it was answered, as pcapng: the last transfers that are kept, and with `follow`
   * those to come.
   */
  async capture(options: FollowOptions = {}): Promise<Readable> {
    return this.#stream('/v1/capture', options);
  }

  /** Types into the console. */
  async type(bytes: Uint8Array): Promise<void> {
    await this.#json({ method: 'POST', path: '/v1/console', bytes, deadlineMs: NO_DEADLINE_MS });
  }

  async #json(what: Omit<Call, 'deadlineMs'> & { deadlineMs?: number }): Promise<unknown> {
    const answer = await call(this.path, { deadlineMs: this.#deadlineMs, ...what });
    if ('socket' in answer) throw unexpected(this.path);
    try {
      return await readJson(answer.response);
    } catch (error) {
      if (GpuvmError.is(error)) throw error;
      throw await unreachable(this.path, error as NodeJS.ErrnoException);
    }
  }

  async #stream(path: string, options: FollowOptions, more: object = {}): Promise<IncomingMessage> {
    const { follow = false, recent, signal } = options;
    const answer = await call(this.path, {
      method: 'GET',
      path: withQuery(path, { follow, recent, ...more }),
      deadlineMs: this.#deadlineMs,
      signal,
    });
    if ('socket' in answer) throw unexpected(this.path);
    return answer.response;
  }
}

function withQuery(path: string, parameters: Readonly<Record<string, unknown>>): string {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(parameters)) {
    if (value !== undefined) query.set(key, String(value));
  }
  return query.size === 0 ? path : `${path}?${query}`;
}

function unexpected(path: string): GpuvmError {
  return new GpuvmError('GPUVM_CONTROL', `what answers on ${path} is no supervisor of gpuvm`);
}
