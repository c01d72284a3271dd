import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { tegra234 } from '../../../../src/bpmp/tegra234/index.js';
import { parseRequestWords } from '../../../../src/bpmp/wire/index.js';
import { type Ended, start } from './processes.js';

const FOLDER = '/run/host-device';
const QEMU = process.env.GPUVM_TWIN === 'orin' ? 'qemu-system-aarch64' : 'qemu-system-x86_64';
// Beside the addon: it opens the device and writes to it as the patched QEMU does.
const STANDIN = '/build/Release/gpuvm-standin';
const repository = dirname(dirname(import.meta.dirname));

/** What the VM has of the BPMP: less than its guest asks for. */
const policy = (limit: string) => `version: 1
chip: tegra234
view: full
shared: absorb
${limit}clocks:
  GPUSYS: use
  GPC0CLK: { right: tune, maxRate: 1 GHz }
  NVDEC: tune
  OSC: shared
  CLK_M: shared
  PLLP_OUT0: shared
resets: { GPU: use, NVDEC: use }
powerDomains: { GPU: use, NVDEC: use }
`;

export interface GuestAnswer {
  readonly result: number;
  readonly errno: number;
  readonly ret: number;
  readonly rx: string;
}

export interface VmOptions {
  readonly name: string;
  /** What its guest asks, one after the other: words, or "MRQ HEX". */
  readonly requests?: readonly string[];
  /** CLK GET_RATE of GPUSYS, so often and as fast as it can, once it is told to go. */
  readonly loop?: number;
  /** Of the policy. */
  readonly limit?: string;
}

/**
 * `gpuvm run` with the whole mediator in front of the module's device. Its QEMU is a real one, which has nothing to boot; what
 * a patched QEMU would ask for its guest is asked by processes that stand under the same filter.
 */
export class MediatedVm {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  readonly said = { stdout: '', stderr: '' };
  readonly folder: string;

  constructor({ name, requests = [], loop, limit = '' }: VmOptions) {
    this.folder = join(FOLDER, name);
    rmSync(this.folder, { recursive: true, force: true });
    mkdirSync(this.folder, { recursive: true });
    writeFileSync(join(this.folder, 'policy.yaml'), policy(limit ? `limit: ${limit}\n` : ''));
    writeFileSync(join(this.folder, 'requests'), requests.map((request) => `${encode(request)}\n`).join(''));
    writeFileSync(join(this.folder, 'qemu'), this.#wrapper(loop), { mode: 0o755 });
    const file = join(this.folder, 'vm.yaml');
    writeFileSync(
      file,
      `name: ${name}
qemu: { binary: ./qemu }
machine: none
bridge: { kind: interposed }
backend: { kind: host-device }
policy: policy.yaml
stop: { powerdown: 0s, quit: 60s, terminate: 60s, kill: 60s }
deadlines: { qmp: 5min }
`,
    );
    const started = performance.now();
    this.child = start('gpuvm', ['run', file, '--json', '--verbose']);
    for (const stream of ['stdout', 'stderr'] as const)
      this.child[stream]!.setEncoding('utf8').on('data', (chunk: string) => {
        this.said[stream] += chunk;
      });
    this.ended = new Promise((resolve, reject) => {
      this.child.once('error', reject);
      this.child.once('close', (status, signal) =>
        resolve({ status, signal, ...this.said, tookMs: Math.round(performance.now() - started) }),
      );
    });
  }

  /** What the guest was answered, once all of it was; of the loop its tally. */
  async answers<T = GuestAnswer>(): Promise<T[]> {
    const lines = await this.until('its guest has all answers', () => this.#read('answers'));
    return lines
      .trim()
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as T);
  }

  /** The process that is QEMU. */
  async qemu(): Promise<number> {
    return Number(await this.until('QEMU starts', () => this.#read('pid')));
  }

  async running(): Promise<void> {
    await this.until('it runs', () => this.said.stderr.includes('state: running'));
  }

  go(): void {
    writeFileSync(join(this.folder, 'go'), '');
  }

  async stop(): Promise<Ended> {
    this.child.kill('SIGINT');
    return this.ended;
  }

  async until<T>(what: string, look: () => T | undefined | false): Promise<T> {
    for (const end = performance.now() + 120_000; performance.now() < end; await setTimeout(20)) {
      const found = look();
      if (found !== undefined && found !== false) return found;
      if (this.child.exitCode !== null) break;
    }
    throw new Error(`${what}: it did not come to that:\n${this.said.stdout}\n---\n${this.said.stderr}`);
  }

  #read(name: string): string | undefined {
    const path = join(this.folder, name);
    return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  }

  #wrapper(loop: number | undefined): string {
    const standin = `${repository}${STANDIN}`;
    const again =
      loop === undefined
        ? ''
        : `while [ ! -e go ]; do sleep 0.1; done; ${standin} --mrq 22 --payload 30010001 --count ${loop} >> asking`;
    return `#!/bin/sh
cd ${this.folder}
(
  while read -r mrq hex; do
    ${standin} --mrq "$mrq" --rx-size 120 --request "$hex"
  done < requests > asking
  ${again}
  mv asking answers
) > guest.log 2>&1 &
echo $$ > pid.part && mv pid.part pid
exec ${QEMU} "$@"
`;
  }
}

function encode(request: string): string {
  if (/^\d/.test(request)) return request;
  const { mrq, tx } = parseRequestWords(request.split(' '), tegra234);
  return `${mrq} ${Buffer.from(tx).toString('hex')}`;
}
