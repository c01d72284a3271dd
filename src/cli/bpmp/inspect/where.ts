import { createBackend, HostDevice, MAX_PAYLOAD } from '../../../bpmp/backend/index.js';
import { Firmware, type Question, type Reply, type Transfer } from '../../../bpmp/inspect/index.js';
import { tegra234 } from '../../../bpmp/tegra234/index.js';
import type { ControlClient } from '../../../control/index.js';
import { GpuvmError } from '../../../errors.js';
import type { Call } from '../../command.js';
import { targetOf } from '../../control/target.js';

const DEVICE = '/dev/bpmp-host';

/** The BPMP that a command line names, and what is behind it. */
export interface Where {
  /** For people. */
  readonly name: string;
  readonly firmware: Firmware;
  readonly transfer: Transfer;
  /** The VM through whose policy it is asked. */
  readonly vm?: { readonly name: string; readonly client: ControlClient };
  /** The path of the host's device, where that is asked. */
  readonly device?: string;
  close(): Promise<void>;
}

/** `--simulated`, `--vm NAME`, else the host's device. */
export async function openWhere({ options }: Call): Promise<Where> {
  const { simulated, vm, device } = options;
  const given = [simulated, vm, device].filter((option) => option !== undefined && option !== false);
  if (given.length > 1)
    throw new GpuvmError('GPUVM_USAGE', 'one BPMP at a time: --device, --simulated or --vm');
  if (vm !== undefined) return throughVm(String(vm));
  const path = typeof device === 'string' ? device : DEVICE;
  const backend = createBackend(simulated ? { kind: 'simulated' } : { kind: 'host-device', path });
  const transfer: Transfer = async (questions) => {
    const replies: Reply[] = [];
    for (const { mrq, tx } of questions) {
      const rx = new Uint8Array(MAX_PAYLOAD);
      const { ret, rxSize } = await backend.transfer(mrq, tx, rx);
      const note = backend instanceof HostDevice && ret < 0 ? backend.refusal() : undefined;
      replies.push({ ret, rx: rx.subarray(0, rxSize), note });
    }
    return replies;
  };
  return {
    name: simulated ? 'a simulated BPMP' : path,
    firmware: new Firmware(transfer, { chip: tegra234 }),
    transfer,
    ...(!simulated && { device: path }),
    close: async () => backend.close(),
  };
}

/** As its guest would ask: what its policy hides is not seen. */
async function throughVm(word: string): Promise<Where> {
  const { name, client } = await targetOf(word);
  const transfer: Transfer = async (questions: readonly Question[]) => {
    const replies: Reply[] = [];
    if (questions.length === 0) return replies;
    for await (const answer of client.bpmpRequests(questions)) replies.push(answer);
    return replies;
  };
  return {
    name: `the BPMP as ${name} sees it`,
    firmware: new Firmware(transfer, { chip: tegra234 }),
    transfer,
    vm: { name, client },
    close: async () => {},
  };
}
