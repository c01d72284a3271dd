import { createBackend } from '../../bpmp/backend/index.js';
import { parentsOf } from '../../bpmp/mediator/index.js';
import { tegra234 } from '../../bpmp/tegra234/index.js';
import { GpuvmError } from '../../errors.js';
import type { AskParents } from '../../passthrough/index.js';

/** Runs something that asks a BPMP for the clocks above a clock: the model, or the chip's own through its device. */
export async function askingParents<Result>(
  which: string,
  run: (ask: AskParents) => Promise<Result>,
): Promise<Result> {
  const backend = createBackend(backendOf(which));
  try {
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

function backendOf(which: string): Parameters<typeof createBackend>[0] {
  if (which === 'simulated') return { kind: 'simulated' };
  if (which === 'host-device') return { kind: 'host-device', path: '/dev/bpmp-host' };
  if (which.startsWith('/')) return { kind: 'host-device', path: which };
  throw new GpuvmError(
    'GPUVM_USAGE',
    `--bpmp is simulated, host-device, or the path of one, not ${JSON.stringify(which)}`,
  );
}
