import type { VmConfig } from '../../config/index.js';
import type { MetricsListener } from '../../metrics/index.js';
import type { Supervisor } from '../../vm/index.js';

/** Answers scrapes on the VM file's port, beside the run; what is wrong with the port never is the VM's concern. */
export class MetricsPort {
  readonly #vm: Pick<Supervisor, 'metrics'>;
  readonly #choice: NonNullable<VmConfig['metrics']>;
  readonly #note: (text: string) => void;
  #opening: Promise<MetricsListener | undefined> | undefined;

  constructor(
    vm: Pick<Supervisor, 'metrics'>,
    choice: NonNullable<VmConfig['metrics']>,
    note: (text: string) => void,
  ) {
    this.#vm = vm;
    this.#choice = choice;
    this.#note = note;
  }

  open(): void {
    this.#opening ??= this.#open().catch((error: Error) => {
      this.#note(`no metrics: ${error.message}`);
      return undefined;
    });
  }

  async close(): Promise<void> {
    await (await this.#opening)?.close();
  }

  async #open(): Promise<MetricsListener> {
    const { MetricsListener, acceptOf } = await import('../../metrics/index.js');
    const { listen, public: isPublic } = this.#choice;
    const listener = new MetricsListener({
      ...listen,
      answer: (format) => this.#vm.metrics(acceptOf(format)),
      onNote: this.#note,
    });
    if (isPublic) this.#note(`metrics are told to whoever reaches ${listener.where}: there is no password`);
    await listener.open();
    return listener;
  }
}
