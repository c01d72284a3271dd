import type { StopTimes } from '../config/index.js';

/** The rungs, gentlest first. */
export const rungs = ['powerdown', 'quit', 'terminate', 'kill'] as const;
export type Rung = (typeof rungs)[number];

export interface LadderStep {
  readonly rung: Rung;
  /** How long it is given before the next. */
  readonly timeMs: number;
}

/** What each rung does; one that throws or rejects had no effect, and the next is taken at once. */
export type RungActions = Readonly<Record<Rung, () => unknown>>;

/** Ends a VM step by step, each step with its time. */
export class StopLadder {
  readonly #times: StopTimes;
  readonly #actions: RungActions;
  readonly #ended: Promise<unknown>;
  readonly #onStep: (step: LadderStep) => void;
  #rung: Rung | undefined;
  #skip = () => {};

  constructor(
    times: StopTimes,
    actions: RungActions,
    ended: Promise<unknown>,
    onStep: (step: LadderStep) => void,
  ) {
    this.#times = times;
    this.#actions = actions;
    this.#ended = ended;
    this.#onStep = onStep;
  }

  /** The rung that was taken last. */
  get rung(): Rung | undefined {
    return this.#rung;
  }

  /** Gives up on the present rung and takes the next one. */
  next(): void {
    this.#skip();
  }

  /** Goes down until the VM has ended. False where it outlived all rungs. */
  async descend(): Promise<boolean> {
    const ended = this.#ended.then(() => 'ended' as const);
    for (const rung of rungs) {
      const timeMs = this.#times[rung];
      if (timeMs === 0) continue;
      this.#rung = rung;
      this.#onStep({ rung, timeMs });
      const over = this.#wait(timeMs);
      // The action itself may hang: the time runs from its start.
      const failed = Promise.resolve()
        .then(this.#actions[rung])
        .then(
          () => over.promise,
          () => undefined,
        );
      const result = await Promise.race([ended, over.promise, failed]);
      over.cancel();
      if (result === 'ended') return true;
    }
    return false;
  }

  #wait(timeMs: number): { promise: Promise<void>; cancel(): void } {
    let timer: NodeJS.Timeout | undefined;
    const promise = new Promise<void>((resolve) => {
      this.#skip = resolve;
      timer = setTimeout(resolve, timeMs);
    });
    return { promise, cancel: () => clearTimeout(timer) };
  }
}
