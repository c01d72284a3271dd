import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RecoverReport, recover, stateFolders } from '../../src/journal/index.js';
import { type DeviceRequest, planBinding } from '../../src/vfio/index.js';
import { buildFakeHost, copyHost, nameOf, referenceDevices, snapshot } from '../vfio/fake-host.js';
import { FakeKernel } from '../vfio/fake-kernel.js';
import { type Life, Pool } from '../vfio/kill/pool.js';
import type { Orders } from '../vfio/kill/process.js';

/**
 * A real process that binds the reference VM's devices and a PCI group, with a journal on a real disk, is killed with
 * SIGKILL at every moment at which it could make a difference; the moments are counted in a life that nobody ends. Each
 * time `recover` must leave the host equal to before: every file, link, mode and content.
 */
const requests: readonly DeviceRequest[] = referenceDevices
  .filter(({ driver }) => driver !== 'pcieport')
  .map(({ bus, name }) => ({ bus, name }));

const template = buildFakeHost({ devices: referenceDevices });
const before = snapshot(template);
const work = mkdtempSync(join(tmpdir(), 'gpuvm-matrix-'));
let pool: Pool;

beforeAll(() => {
  pool = new Pool();
});
afterAll(() => {
  pool.close();
  rmSync(work, { recursive: true, force: true });
  rmSync(template, { recursive: true, force: true });
});

interface Place {
  readonly sysroot: string;
  readonly stateDir: string;
}

let places = 0;
/** Places that a recovery has left as they were: to make a new one takes longer than anything else here. */
const clean: Place[] = [];

function newPlace(): Place {
  const again = clean.pop();
  if (again) return again;
  const number = ++places;
  const sysroot = join(work, `host-${number}`);
  copyHost(template, sysroot);
  return { sysroot, stateDir: join(work, `state-${number}`) };
}

function live(place: Place, act: Orders['act'], killAt = -1): Promise<Life> {
  return pool.live({ act, ...place, requests, killAt });
}

function recoverHere({ sysroot, stateDir }: Place): Promise<RecoverReport> {
  return recover({ folders: stateFolders({ stateDir }), sysroot, writer: () => new FakeKernel(sysroot) });
}

/** Recovers, and says what is not as it was; undefined where everything is. */
async function wrongAfterRecovery(place: Place): Promise<unknown> {
  const report = await recoverHere(place);
  const now = snapshot(place.sysroot);
  const paths = different(now);
  const left = namesIn(join(place.stateDir, 'journal'));
  const again = await recoverHere(place);
  const wrong = !report.ok || paths.length > 0 || left.length > 0 || again.journals.length > 0;
  if (wrong) return { report, paths: paths.map((path) => [path, before[path], now[path]]), left, again };
  clean.push(place);
  return undefined;
}

function different(now: Record<string, string>): string[] {
  return Object.keys({ ...now, ...before }).filter((path) => now[path] !== before[path]);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Two at a time: one process works while the other's host is looked at. */
async function eachPoint(count: number, act: (point: number) => Promise<unknown>): Promise<unknown[]> {
  const wrong: unknown[] = [];
  let next = 0;
  const worker = async () => {
    for (let point = next++; point < count; point = next++) {
      const what = await act(point);
      if (what !== undefined) wrong.push({ point, what });
    }
  };
  await Promise.all([worker(), worker()]);
  return wrong;
}

/** A host whose supervisor was killed when everything was bound. */
async function boundPlace(points: readonly string[]): Promise<Place> {
  const place = newPlace();
  await live(place, 'run', points.indexOf('bound'));
  expect(nameOf(join(place.sysroot, 'sys/bus/platform/devices/17000000.gpu/driver'))).toBe('vfio-platform');
  return place;
}

/** On a machine with nothing else to do the whole file takes about a minute. */
const TIMEOUT_MS = 900_000;

describe('a supervisor that is killed with -9', { timeout: TIMEOUT_MS }, () => {
  let points: readonly string[];

  it('leaves nothing to recover where it is not killed', async () => {
    const place = newPlace();
    points = (await live(place, 'run')).points!;
    expect(snapshot(place.sysroot)).toEqual(before);
    expect(namesIn(join(place.stateDir, 'journal'))).toEqual([]);
    const { steps } = await planBinding(requests, { sysroot: template });
    expect(points.filter((name) => name.startsWith('write '))).toHaveLength(2 * steps.length);
    // Each step has six moments when it is made, and six when it is undone.
    expect(points.length).toBeGreaterThan(12 * steps.length);
  });

  it('at each moment of binding and giving back, is recovered from', async () => {
    const wrong = await eachPoint(points.length, async (point) => {
      const place = newPlace();
      const { signal } = await live(place, 'run', point);
      expect(signal).toBe('SIGKILL');
      const what = await wrongAfterRecovery(place);
      return what && { moment: points[point], what };
    });
    expect(wrong).toEqual([]);
    console.log(`killed at each of ${points.length} moments of binding and giving back`);
  });

  it('is recovered from by a recovery that is itself killed at each moment', async () => {
    const counted = await boundPlace(points);
    const moments = (await live(counted, 'recover')).points!;
    expect(snapshot(counted.sysroot)).toEqual(before);
    const template = await boundPlace(points);
    const wrong = await eachPoint(moments.length, async (point) => {
      const place = { sysroot: join(work, `bound-${point}`), stateDir: join(work, `bound-state-${point}`) };
      copyHost(template.sysroot, place.sysroot);
      copyHost(template.stateDir, place.stateDir);
      const { signal } = await live(place, 'recover', point);
      expect(signal).toBe('SIGKILL');
      const what = await wrongAfterRecovery(place);
      return what && { moment: moments[point], what };
    });
    expect(wrong).toEqual([]);
    console.log(`a recovery killed at each of its ${moments.length} moments`);
  });

  it('is recovered from after any two kills, of the supervisor and then of the recovery', async () => {
    // Steps that have no common divisor with the counts: the pairs are spread over both lives.
    const wrong = await eachPoint(60, async (number) => {
      const place = newPlace();
      await live(place, 'run', (number * 7919) % points.length);
      await live(place, 'recover', (number * 104729) % 150);
      return wrongAfterRecovery(place);
    });
    expect(wrong).toEqual([]);
  });

  it('is recovered from by two recoveries at once', async () => {
    for (let round = 0; round < 5; round++) {
      const place = await boundPlace(points);
      const lives = await Promise.all([live(place, 'recover'), live(place, 'recover')]);
      expect(lives.map(({ signal }) => signal)).toEqual([null, null]);
      expect(await wrongAfterRecovery(place)).toBeUndefined();
    }
  });
});
