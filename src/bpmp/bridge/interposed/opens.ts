import { isDevice } from './device-path.js';
import type { Slots } from './slots.js';

/** The guest's opens for reading and writing: the device's becomes the stand-in, any other goes on as it was asked. */
export class Opens {
  readonly #slots: Slots;
  readonly #devicePath: string;
  readonly counters = { standIns: 0, continuedOpens: 0, failedOpens: 0 };

  constructor(slots: Slots, devicePath: string) {
    this.#slots = slots;
    this.#devicePath = devicePath;
  }

  answer(slot: number): void {
    const fault = this.#slots.fault(slot);
    if (fault !== 0) {
      // Never continued: the kernel could read a path there that was not there for us.
      this.counters.failedOpens++;
      this.#slots.answerError(slot, fault);
    } else if (isDevice(this.#slots.tx(slot), this.#devicePath)) {
      this.counters.standIns++;
      this.#slots.answerStandIn(slot);
    } else {
      this.counters.continuedOpens++;
      this.#slots.answerContinue(slot);
    }
  }
}
