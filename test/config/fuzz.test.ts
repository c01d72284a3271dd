import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseVmFile, type VmConfig } from '../../src/config/index.js';
import { GpuvmError } from '../../src/errors.js';
import { qemuArguments, vmArguments } from '../../src/qemu/index.js';
import { mutate, randomFrom } from './mutate.js';

/** How many damaged files are read; GPUVM_FUZZ_RUNS=1000000 for an evening, GPUVM_FUZZ_SEED to go on elsewhere. */
const RUNS = Number(process.env.GPUVM_FUZZ_RUNS ?? 1000);
const SEED = Number(process.env.GPUVM_FUZZ_SEED ?? 1);

const folder = resolve(import.meta.dirname, '../../examples');
const examples = readdirSync(folder)
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => readFileSync(join(folder, name), 'utf8').replace(/^#.*\n/gm, ''));

/** What the examples do not have; a few keys each, so that a change is likely to hit one. */
const pieces = [
  'kernel: k\ninitrd: i\nappend: a\ndeviceTree: { overlays: [a, b] }\n',
  'firmware: { code: a, vars: b, format: raw }\nonPanic: pause\nwatchdog: { action: reset }\n',
  'memory: 1G\nmemoryBackend: { kind: hugepages, hugepageSize: 2M, share: true }\nsmp: 2,cores=2\n',
  'disks:\n  - { file: a, serial: x, bootIndex: 1 }\n  - file: b\n    interface: nvme\n',
  'nets:\n  - { kind: tap, ifname: t0, queues: 2 }\n  - kind: user\n    forwards: ["tcp::1-:2"]\n',
  'serial: [{ kind: console }, { kind: unix, path: s }]\nusb: [{ hostBus: 1, hostPort: "1.2" }]\n',
  'platformDevices: [{ host: a.b, mmioBase: 0x1000, regions: [4K], options: { x: 1 } }]\nplatformBus: { base: 0 }\n',
  'hooks: { preStart: [[a, b], { run: [c], deadline: 1s }] }\nrestart: { limit: 3, delay: 1s }\n',
  'ready: { when: console, marker: x }\ncontrol: { mode: "0600", group: a }\ncpuPinning: { vcpus: ["0"] }\n',
  'bridge: { kind: vfio-user, guestAddress: 0x10800b00 }\npolicy: p\nbackend: { kind: simulated, faults: [{ mrq: 1 }] }\n',
  'anchors: &a { x: &b [1, 2] }\nname2: *b\nstop: { <<: *a }\n',
].map((lines) => `name: kite\nmachine: virt\n${lines}`);

const texts = [...examples, ...pieces, ...pieces];

/** The file as it was read, or undefined where it was refused as it should be. */
function read(text: string): VmConfig | undefined {
  try {
    return parseVmFile(text, { file: '/vms/kite.yaml', env: {} });
  } catch (error) {
    if (!GpuvmError.is(error, 'GPUVM_CONFIG')) throw error;
    const mistakes = error.details.mistakes as string[];
    for (const mistake of [error.message, ...mistakes]) {
      if (!/^\/vms\/kite\.yaml(:\d+:\d+)?: \S/.test(mistake) || /[\n\r]/.test(mistake))
        throw new Error(`not one line with its place: ${JSON.stringify(mistake)}`);
    }
    return undefined;
  }
}

describe('a damaged VM file', () => {
  it('is read or refused, and never more than that', { timeout: 24 * 3_600_000 }, () => {
    let accepted = 0;
    for (let run = 0; run < RUNS; run++) {
      const seed = SEED * 1_000_003 + run;
      const random = randomFrom(seed);
      const text = mutate(texts[random(texts.length)]!, random);
      try {
        const config = read(text);
        if (!config) continue;
        accepted++;
        for (const args of [vmArguments(config), qemuArguments(config, { qmpPath: '/q' })]) {
          if (args.some((argument) => argument.includes('\0'))) throw new Error('an argument with a NUL');
        }
      } catch (error) {
        throw new Error(`with GPUVM_FUZZ_SEED=${SEED}, run ${run}: ${JSON.stringify(text)}`, {
          cause: error,
        });
      }
    }
    // Were nearly all of them refused, or none, little would be tried.
    expect(accepted).toBeGreaterThan(RUNS / 50);
    expect(accepted).toBeLessThan(RUNS / 1.5);
  });
});
