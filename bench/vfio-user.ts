import { join } from 'node:path';
import {
  DEFAULT_WINDOW_ADDRESS,
  VfioUserBridge,
  type WindowLayout,
} from '../src/bpmp/bridge/vfio-user/index.js';
import { canProbe, ProbeGuest, ProbeScript } from '../test/support/window-probe.js';
import { type Figure, quantile, type Suite } from './suite.js';

const ROUNDS = 3;
const TRANSFERS = 100;
/** For the compilers on both sides. */
const WARM_UP = 20;

interface Measured {
  readonly us: number[];
  readonly accesses: number;
}

/**
 * The same guest copies the same request in and out as the stock driver does, all trapped and straddling, by turns.
 * The handler answers at once, so what is measured is the way there and back.
 */
export async function run(): Promise<Suite> {
  if (!canProbe())
    throw new Error('the vfio-user benchmark needs QEMU 10.1 and the cross compiler: ./scripts/setup');
  const guest = new ProbeGuest();
  const trapped: Measured[] = [];
  const shared: Measured[] = [];
  try {
    for (let round = 0; round < ROUNDS; round++) {
      trapped.push(await measure(guest, 'trapped'));
      shared.push(await measure(guest, 'shared'));
    }
  } finally {
    guest.remove();
  }
  const times = { trapped: trapped.flatMap(({ us }) => us), shared: shared.flatMap(({ us }) => us) };
  const accesses = { trapped: trapped[0]!.accesses, shared: shared[0]!.accesses };
  return {
    name: 'vfio-user',
    what: `${ROUNDS} × ${TRANSFERS} transfers of a guest under emulation, 0x600 bytes in and out by 8, in each layout`,
    figures: [
      count('trapped: accesses per transfer', accesses.trapped),
      count('straddling: accesses per transfer', accesses.shared),
      time('trapped: one transfer', times.trapped),
      time('straddling: one transfer', times.shared),
    ],
    ratios: [
      {
        label: 'accesses, trapped / straddling',
        value: accesses.trapped / accesses.shared,
        promise: { atLeast: 3 },
      },
      {
        label: 'time, trapped / straddling (median)',
        value: quantile(times.trapped, 0.5) / quantile(times.shared, 0.5),
        promise: { atLeast: 2 },
      },
    ],
  };
}

async function measure(guest: ProbeGuest, layout: WindowLayout): Promise<Measured> {
  const socketPath = join(guest.folder, 'bench');
  const bridge = new VfioUserBridge({
    socketPath,
    layout,
    handler: {
      handle: (_mrq, tx, rx) => {
        rx.set(tx);
        return { ret: 0, rxSize: tx.length };
      },
      malformed: () => ({ ret: -22, rxSize: 0 }),
    },
  });
  await bridge.listening;
  const end = bridge.serve();
  const total = WARM_UP + TRANSFERS;
  const request = { mrq: 22, tx: new Uint8Array(8).fill(1) };
  const script = new ProbeScript(DEFAULT_WINDOW_ADDRESS).repeat(total, request);
  const results = await guest.run(script, socketPath);
  await end;
  const { trappedReads = 0, trappedWrites = 0, rxBytes } = bridge.stats();
  if (rxBytes !== total * request.tx.length)
    throw new Error(`${rxBytes} bytes were answered, some requests were not`);
  const us = results.flatMap((result) => (result.kind === 'time' ? [result.us] : []));
  return { us: us.slice(WARM_UP), accesses: (trappedReads + trappedWrites) / total };
}

function time(label: string, us: readonly number[]): Figure {
  return { label, p50: quantile(us, 0.5), p99: quantile(us, 0.99), unit: 'µs', samples: us.length };
}

function count(label: string, value: number): Figure {
  return { label, p50: value, p99: value, unit: 'accesses', samples: ROUNDS };
}
