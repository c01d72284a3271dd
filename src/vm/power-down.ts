import type { GuestAgent } from './guest-agent.js';
import { within } from './waiting.js';

/** An agent that is there answers at once, if its guest is not under water. */
const AGENT_MS = 2_000;

export interface PowerDownOptions {
  readonly agent: GuestAgent | undefined;
  /** Presses the guest's power button. */
  press(): Promise<unknown>;
  onAsked(by: 'guest-agent' | 'power-button'): void;
  /** How long the agent's way is given before the button is pressed as well. */
  readonly patienceMs: number;
  /** Settles when there is no guest any more. */
  readonly gone: Promise<unknown>;
  /** Whether the guest is still to power down by itself. */
  isStillDue(): boolean;
}

/** Asks a guest to power down: by its agent, which no setting of the guest's overrules; else, or as well, by its button. */
export class PowerDown {
  readonly #options: PowerDownOptions;

  constructor(options: PowerDownOptions) {
    this.#options = options;
  }

  /** Rejects where there is no way to ask it. */
  async ask(): Promise<void> {
    const { agent, onAsked, patienceMs, gone, isStillDue } = this.#options;
    if (agent === undefined) return this.#press();
    try {
      await agent.shutdown(AGENT_MS);
    } catch {
      return this.#press();
    }
    onAsked('guest-agent');
    await within(patienceMs, gone);
    if (isStillDue()) await this.#press();
  }

  async #press(): Promise<void> {
    this.#options.onAsked('power-button');
    await this.#options.press();
  }
}
