import type { Request, Target, TargetAnswer } from '../../../bpmp/replay/index.js';
import type { ControlClient } from '../../../control/index.js';
import { targetOf } from '../../control/target.js';

/** A running VM's own mediator: its policy, its ledger and its rate limit are those of its guest. */
export class VmTarget implements Target {
  readonly name: string;
  /** One HTTP request's worth: far below the server's bound, and one round trip for all of them. */
  readonly batch = 128;
  readonly #client: ControlClient;

  static async of(word: string): Promise<VmTarget> {
    const { name, client } = await targetOf(word);
    return new VmTarget(name, client);
  }

  private constructor(name: string, client: ControlClient) {
    this.name = `the VM ${name}`;
    this.#client = client;
  }

  unfit(): undefined {}

  async ask(requests: readonly Request[]): Promise<TargetAnswer[]> {
    const answers: TargetAnswer[] = [];
    if (requests.length === 0) return answers;
    for await (const { ret, rx, verdict, rule } of this.#client.bpmpRequests(requests))
      answers.push({ ret, rx, verdict: verdict as TargetAnswer['verdict'], rule });
    return answers;
  }

  async end(): Promise<undefined> {}
}
