import { type Backend, createBackend, MAX_PAYLOAD } from '../../bpmp/backend/index.js';
import { parentsOf } from '../../bpmp/mediator/index.js';
import { tegra234 } from '../../bpmp/tegra234/index.js';
import { parseRequestWords } from '../../bpmp/wire/index.js';
import { GpuvmError } from '../../errors.js';
import type { AskParents } from '../../passthrough/index.js';

/** Runs something that asks a BPMP for the clocks above a clock: the model, or the chip's own through its device. */
export async function askingParents<Result>(
  which: string,
  run: (ask: AskParents) => Promise<Result>,
): Promise<Result> {
  const backend = createBackend(backendOf(which));
  try {
    await requireAnswers(backend, which);
    const known = new Map<number, Promise<Set<number>>>();
    return await run((clock) => {
      const asked = known.get(clock) ?? parentsOf([clock], backend, tegra234.clocks.maxId);
      known.set(clock, asked);
      return asked;
    });
  } finally {
    await backend.close();
  }
}

/** A clock that cannot be asked for has no parents; where none can, the list would lack all of them and not say so. */
async function requireAnswers(backend: Backend, which: string): Promise<void> {
  const { mrq, tx } = parseRequestWords(['clk', 'get-max-clk-id'], tegra234);
  const rx = new Uint8Array(MAX_PAYLOAD);
  const { ret, rxSize } = await backend.transfer(mrq, tx, rx);
  const max = rxSize >= 4 ? new DataView(rx.buffer).getUint32(0, true) : 0;
  if (ret >= 0 && max > 0) return;
  const why = ret < 0 ? `it answered ${ret} when asked for its clocks` : 'it says that it has no clocks';
  throw new GpuvmError('GPUVM_HOST_DEVICE', `no parents can be asked of ${which}: ${why}`);
}

function backendOf(which: string): Parameters<typeof createBackend>[0] {
  if (which === 'simulated') return { kind: 'simulated' };
  if (which === 'host-device') return { kind: 'host-device', path: '/dev/bpmp-host' };
  if (which.startsWith('/')) return { kind: 'host-device', path: which };
  throw new GpuvmError(
    'GPUVM_USAGE',
    `--bpmp is simulated, host-device, or the path of one, not ${JSON.stringify(which)}`,
  );
}
