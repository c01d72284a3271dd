import type { TransferRecord } from '../../../bpmp/capture/index.js';
import { loadPolicy } from '../../../bpmp/policy/index.js';
import type { ControlClient } from '../../../control/index.js';

/** A guest chooses how many different requests it is refused. */
const MOST = 1000;

/** What would allow a refused request: from a policy that is given, or as the VM itself told when it refused. */
export class Fixes {
  readonly #known = new Map<string, string | undefined>();
  readonly #explain: ((mrq: number, tx: Uint8Array) => string | undefined) | undefined;

  private constructor(explain?: (mrq: number, tx: Uint8Array) => string | undefined) {
    this.#explain = explain;
  }

  /** @param policy - the path of a policy; what VMs tell counts for nothing then */
  static async create(policy: string | undefined): Promise<Fixes> {
    if (policy === undefined) return new Fixes();
    const compiled = (await loadPolicy(policy)).compile();
    return new Fixes((mrq, tx) => compiled.explain(mrq, tx).fix);
  }

  /** Listens to what a VM tells, until the signal; nothing is told where it cannot be asked. */
  async listen(client: ControlClient, signal: AbortSignal): Promise<void> {
    if (this.#explain !== undefined) return;
    try {
      for await (const event of client.events({ follow: true, signal })) {
        const { event: name, mrq, tx, fix } = event;
        if (name !== 'denial' || typeof fix !== 'string' || typeof tx !== 'string') continue;
        this.#remember(`${Number(mrq)}:${tx}`, fix);
      }
    } catch {
      // The stream of transfers tells that the VM is gone.
    }
  }

  readonly of = ({ mrq, tx, verdict }: TransferRecord): string | undefined => {
    if (verdict !== 'deny') return undefined;
    const key = `${mrq}:${Buffer.from(tx).toString('hex')}`;
    if (this.#explain !== undefined && !this.#known.has(key)) this.#remember(key, this.#explain(mrq, tx));
    return this.#known.get(key);
  };

  #remember(key: string, fix: string | undefined): void {
    this.#known.delete(key);
    if (this.#known.size >= MOST) this.#known.delete(this.#known.keys().next().value!);
    this.#known.set(key, fix);
  }
}
