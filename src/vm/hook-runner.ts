import type { Hooks } from '../config/index.js';
import { type HookPoint, type HookRun, hookFailed, runHook } from './hooks.js';

export interface HookListener {
  onRun(run: HookRun): void;
  onLine(line: string): void;
  onProblem(message: string): void;
}

/** Runs a VM file's hooks, those of one point one after the other. */
export class HookRunner {
  readonly #hooks: Hooks;
  readonly #environment: () => Readonly<Record<string, string>>;
  readonly #listener: HookListener;

  /** `environment` is asked for anew before each hook. */
  constructor(hooks: Hooks, environment: () => Readonly<Record<string, string>>, listener: HookListener) {
    this.#hooks = hooks;
    this.#environment = environment;
    this.#listener = listener;
  }

  /** The signal kills the hook that runs. Throws GPUVM_HOOK for the first that fails where failures count. */
  async run(point: HookPoint, signal?: AbortSignal): Promise<void> {
    for (const hook of this.#hooks[point]) {
      if (signal?.aborted) return;
      const environment = { ...this.#environment(), GPUVM_HOOK: point };
      const { problem, ...run } = await runHook(point, hook, {
        environment,
        onLine: this.#listener.onLine,
        ...(signal && { signal }),
      });
      const isCutShort = signal?.aborted;
      this.#listener.onRun(run);
      if (problem === undefined || isCutShort) continue;
      const failure = hookFailed({ hook: point, argv: hook.run, problem });
      // Only before the start is there still something to keep from happening.
      if (point === 'preStart') throw failure;
      this.#listener.onProblem(failure.message);
    }
  }
}
