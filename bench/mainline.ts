import { fileURLToPath } from 'node:url';
import { Guest } from '../test/real/mainline/guest.js';
import { type GuestOptions, guestIsPrepared, READABLE_ZONES } from '../test/real/mainline/vm-file.js';
import { type Figure, quantile, type Suite } from './suite.js';

const BOOTS = 7;
const ROUNDS = 3;
const TRANSFERS = 150;
/** How long the simulated BPMP takes for each request: about what a real one needs to switch a power domain. */
const LATENCY_US = 20_000;
const CALLERS = 32;
const POLICY = fileURLToPath(new URL('../examples/policies/mainline.yaml', import.meta.url));

/** An unpatched Linux: what it takes it longer to boot, and what having several requests in flight is worth. */
export async function run(): Promise<Suite> {
  if (!guestIsPrepared()) throw new Error('the mainline benchmark needs its guest: ./scripts/setup');
  const without: number[] = [];
  const filtered: number[] = [];
  for (let boot = 0; boot < BOOTS; boot++) {
    without.push(await bootMs({ bridge: false }));
    filtered.push(await bootMs({ policy: POLICY }));
  }
  const alone: number[] = [];
  const together: number[] = [];
  const guest = await Guest.boot({
    cpus: 4,
    backend: { latencyUs: LATENCY_US, thermalZones: READABLE_ZONES },
  });
  try {
    for (let round = 0; round < ROUNDS; round++) {
      alone.push(await throughput(guest, 1));
      together.push(await throughput(guest, CALLERS));
    }
    await guest.powerOff();
  } finally {
    await guest.kill();
  }
  return {
    name: 'mainline',
    what: `${BOOTS} boots by turns with 1 CPU, kernel's start to init; ${ROUNDS} × ${TRANSFERS} transfers with 4 CPUs, ${LATENCY_US / 1000} ms each`,
    figures: [
      figure('boot without a BPMP', without, 'ms'),
      figure('boot with a filtered view', filtered, 'ms'),
      figure('one caller', alone, '1/s'),
      figure(`${CALLERS} callers`, together, '1/s'),
    ],
    ratios: [
      {
        label: 'boot, filtered view / without a BPMP (median)',
        value: quantile(filtered, 0.5) / quantile(without, 0.5),
        promise: { atMost: 2 },
      },
      {
        label: `throughput, ${CALLERS} callers / one (median)`,
        value: quantile(together, 0.5) / quantile(alone, 0.5),
        promise: { atLeast: 2 },
      },
    ],
  };
}

async function bootMs(options: GuestOptions): Promise<number> {
  const guest = await Guest.boot(options);
  try {
    await guest.powerOff();
    return guest.inits[0]!.bootMs;
  } finally {
    await guest.kill();
  }
}

/** Reads temperatures, each of which is a request; in 1/s. */
async function throughput(guest: Guest, callers: number): Promise<number> {
  const jobs = Array.from(
    { length: callers },
    (_, i) => `read=/sys/class/thermal/thermal_zone${i % READABLE_ZONES.length}/temp`,
  );
  const { done, failed, wrong, ms } = await guest.must(`stress ${TRANSFERS} ${jobs.join(' ')}`);
  if (done !== TRANSFERS || failed !== 0 || wrong !== 0)
    throw new Error(`of ${done} transfers ${failed} failed`);
  return (1000 * TRANSFERS) / ms!;
}

function figure(label: string, samples: readonly number[], unit: Figure['unit']): Figure {
  return { label, p50: quantile(samples, 0.5), p99: quantile(samples, 0.99), unit, samples: samples.length };
}
