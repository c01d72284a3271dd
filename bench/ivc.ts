import { join } from 'node:path';
import {
  DEFAULT_WINDOW_ADDRESS,
  IvcBridge,
  type Layout,
  VfioUserBridge,
} from '../src/bpmp/bridge/vfio-user/index.js';
import { canProbe, ProbeGuest, ProbeScript } from '../test/support/window-probe.js';
import { type Figure, quantile, type Suite } from './suite.js';

const ROUNDS = 3;
const TRANSFERS = { window: 100, ivc: 400 };
/** For the compilers on both sides. */
const WARM_UP = { window: 20, ivc: 200 };

const handler = {
  handle: (_mrq: number, tx: Uint8Array, rx: Uint8Array) => {
    rx.set(tx.subarray(0, rx.length));
    return { ret: 0, rxSize: tx.length };
  },
  malformed: () => ({ ret: -22, rxSize: 0 }),
};

/**
 * The same guest makes the same request over both bridges, with the accesses that Linux's drivers make for it, in both
 * layouts by turns. The handler answers at once, so what is measured is the way there and back.
 */
export async function run(): Promise<Suite> {
  if (!canProbe())
    throw new Error('the ivc benchmark needs QEMU 10.1 and the cross compiler: ./scripts/setup');
  const guest = new ProbeGuest();
  const times = { window: { trapped: [], shared: [] }, ivc: { trapped: [], shared: [] } } as Record<
    'window' | 'ivc',
    Record<Layout, number[]>
  >;
  try {
    for (let round = 0; round < ROUNDS; round++) {
      for (const layout of ['trapped', 'shared'] as const) {
        times.window[layout].push(...(await measureWindow(guest, layout)));
        times.ivc[layout].push(...(await measureIvc(guest, layout)));
      }
    }
  } finally {
    guest.remove();
  }
  const median = (us: readonly number[]) => quantile(us, 0.5);
  return {
    name: 'ivc',
    what: `${ROUNDS} × ${TRANSFERS.window} (window) and ${TRANSFERS.ivc} (IVC) transfers of a guest under emulation, as Linux makes them`,
    figures: [
      time('window, trapped: one transfer', times.window.trapped),
      time('window, straddling: one transfer', times.window.shared),
      time('IVC, trapped: one transfer', times.ivc.trapped),
      time('IVC, shared: one transfer', times.ivc.shared),
    ],
    ratios: [
      {
        label: 'IVC shared / window trapped (median)',
        value: median(times.ivc.shared) / median(times.window.trapped),
        promise: { atMost: 1 / 10 },
      },
      {
        label: 'IVC shared / window straddling (median)',
        value: median(times.ivc.shared) / median(times.window.shared),
        promise: { atMost: 1 / 5 },
      },
      {
        label: 'IVC trapped / window trapped (median)',
        value: median(times.ivc.trapped) / median(times.window.trapped),
        promise: { atMost: 1 },
      },
    ],
  };
}

async function measureWindow(guest: ProbeGuest, layout: Layout): Promise<number[]> {
  const socketPath = join(guest.folder, 'window');
  const bridge = new VfioUserBridge({ socketPath, layout, handler });
  await bridge.listening;
  const end = bridge.serve();
  const total = WARM_UP.window + TRANSFERS.window;
  const request = { mrq: 22, tx: new Uint8Array(8).fill(1) };
  const script = new ProbeScript(DEFAULT_WINDOW_ADDRESS).repeat(total, request);
  const us = timesOf(await guest.run(script, socketPath));
  await end;
  return us.slice(WARM_UP.window);
}

async function measureIvc(guest: ProbeGuest, layout: Layout): Promise<number[]> {
  const sockets = { hsp: join(guest.folder, 'hsp'), sram: join(guest.folder, 'sram') };
  const bridge = new IvcBridge({ sockets, layout, handler });
  await bridge.listening;
  const end = bridge.serve();
  const total = WARM_UP.ivc + TRANSFERS.ivc;
  const request = { channel: 0, mrq: 22, tx: new Uint8Array(8).fill(7) };
  const script = new ProbeScript(DEFAULT_WINDOW_ADDRESS).ivcBoot().ivcRepeat(total, request);
  const us = timesOf(await guest.run(script, sockets));
  await end;
  if (process.env.GPUVM_BENCH_VERBOSE) console.error(layout, bridge.stats());
  const { transfers, channelResets } = bridge.stats();
  if (transfers !== total || channelResets !== 0)
    throw new Error(`${transfers} of ${total} were transferred`);
  return us.slice(WARM_UP.ivc);
}

function timesOf(results: Awaited<ReturnType<ProbeGuest['run']>>): number[] {
  return results.flatMap((result) => (result.kind === 'time' ? [result.us] : []));
}

function time(label: string, us: readonly number[]): Figure {
  return { label, p50: quantile(us, 0.5), p99: quantile(us, 0.99), unit: 'µs', samples: us.length };
}
