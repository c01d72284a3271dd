import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { IVC_DEVICES, ivcBars, windowBars } from '../../src/bpmp/bridge/vfio-user/index.js';
import { vfioUserDevices, WINDOW_SLOT } from '../../src/qemu/index.js';
import { programPath } from '../real/programs.js';

/** Where guest/window-probe looks for its list, and the codes of its steps. */
const SCRIPT = 0x4a00_0000n;
const DATA = 0x4c00_0000n;
const END = 0n;
const WRITE = 1n;
const READ = 2n;
const TRANSFER = 3n;
const REPEAT = 4n;
const RESET = 5n;
const START_SECOND = 6n;
const STORE_PAIR = 7n;
const STOP_SECOND = 8n;
const PAUSE = 9n;
const IVC_BOOT = 10n;
const IVC_TRANSFER = 11n;
const IVC_REPEAT = 12n;
const ASK = 13n;

export interface ProbeRequest {
  readonly mrq: number;
  readonly tx: Uint8Array;
  readonly txSize?: bigint;
  readonly rxSize?: bigint;
}

/** A request on an IVC channel; as much is read of the answer as was sent. */
export interface ProbeIvcRequest {
  readonly channel: number;
  readonly mrq: number;
  /** A multiple of 8 bytes, 120 at the most. */
  readonly tx: Uint8Array;
}

/** What the guest printed, in the order of the steps that print. */
export type ProbeResult =
  | { readonly kind: 'read'; readonly value: bigint }
  | { readonly kind: 'transfer'; readonly ret: number; readonly rxSize: bigint; readonly rx: string }
  | { readonly kind: 'time'; readonly us: number }
  | { readonly kind: 'second'; readonly rounds: bigint }
  | { readonly kind: 'reset' };

/** A list of accesses for the bare-metal guest; `window` is the guest-physical address of the BPMP window. */
export class ProbeScript {
  readonly #steps: bigint[][] = [];
  readonly #data: Uint8Array[] = [];

  constructor(readonly window: bigint) {}

  /** Offsets are into the window, and may be outside of it. */
  write(size: 1 | 2 | 4 | 8, offset: number, value: bigint): this {
    return this.#step(WRITE, BigInt(size), this.window + BigInt(offset), value);
  }
  /** Sixteen bytes by one instruction. */
  storePair(offset: number, low: bigint, high: bigint): this {
    return this.#step(STORE_PAIR, high, this.window + BigInt(offset), low);
  }
  read(size: 1 | 2 | 4 | 8, offset: number): this {
    return this.#step(READ, BigInt(size), this.window + BigInt(offset), 0n);
  }
  transfer(request: ProbeRequest): this {
    return this.#step(TRANSFER, 0n, this.window, this.#image(request));
  }
  repeat(count: number, request: ProbeRequest): this {
    return this.#step(REPEAT, BigInt(count), this.window, this.#image(request));
  }
  /** Without an end: pings, each with another challenge, and `other` after every fourth; the guest checks the answers. */
  ask(ping: ProbeRequest, other: ProbeRequest): this {
    return this.#step(ASK, this.#image(other), this.window, this.#image(ping));
  }
  /** The doorbell is let through and all channels shake hands, as the drivers' probes do it. */
  ivcBoot(): this {
    return this.#step(IVC_BOOT, 0n, this.#ivc({ channel: 0, mrq: 0, tx: new Uint8Array(0) }), 0n);
  }
  ivcTransfer(request: ProbeIvcRequest): this {
    return this.#step(IVC_TRANSFER, 0n, this.#ivc(request), 0n);
  }
  ivcRepeat(count: number, request: ProbeIvcRequest): this {
    return this.#step(IVC_REPEAT, BigInt(count), this.#ivc(request), 0n);
  }
  /** Does nothing, accesses the window not. */
  pause(ms: number): this {
    return this.#step(PAUSE, BigInt(ms), 0n, 0n);
  }
  /** Resets the machine once; the list then runs again from its start, past this step. */
  reset(): this {
    return this.#step(RESET, 0n, 0n, 0n);
  }
  /** CPU 1 makes these writes over and over until it is stopped. */
  startSecond(writes: readonly { size: 1 | 2 | 4 | 8; offset: number; value: bigint }[]): this {
    const list = new BigUint64Array([
      ...writes.flatMap(({ size, offset, value }) => [
        WRITE,
        BigInt(size),
        this.window + BigInt(offset),
        value,
      ]),
      ...[END, 0n, 0n, 0n],
    ]);
    return this.#step(START_SECOND, 0n, this.#put(new Uint8Array(list.buffer)), 0n);
  }
  stopSecond(): this {
    return this.#step(STOP_SECOND, 0n, 0n, 0n);
  }

  steps(): Uint8Array {
    return new Uint8Array(new BigUint64Array([...this.#steps.flat(), END, 0n, 0n, 0n]).buffer);
  }
  data(): Uint8Array {
    return Buffer.concat([...this.#data, new Uint8Array(8)]);
  }

  #step(code: bigint, size: bigint, address: bigint, value: bigint): this {
    this.#steps.push([code, size, address, value]);
    return this;
  }

  #put(bytes: Uint8Array): bigint {
    const address = DATA + BigInt(this.#data.reduce((sum, { length }) => sum + length, 0));
    this.#data.push(bytes);
    return address;
  }

  #ivc({ channel, mrq, tx }: ProbeIvcRequest): bigint {
    const block = new Uint8Array(160);
    const { hsp, sram } = IVC_DEVICES;
    const words = [hsp.address, sram.address, BigInt(channel), BigInt(mrq), BigInt(tx.length)];
    block.set(new Uint8Array(new BigUint64Array(words).buffer));
    block.set(tx, 40);
    return this.#put(block);
  }

  /** The 0x600 bytes that the guest's driver copies into the window. */
  #image({ mrq, tx, txSize = BigInt(tx.length), rxSize = 512n }: ProbeRequest): bigint {
    const image = new Uint8Array(0x600);
    const view = new DataView(image.buffer);
    image.set(tx);
    view.setBigUint64(0x400, txSize, true);
    view.setBigUint64(0x408, rxSize, true);
    view.setUint32(0x500, mrq, true);
    return this.#put(image);
  }
}

export const probeQemu =
  process.env.GPUVM_TEST_QEMU ?? join(homedir(), '.cache/gpuvm/qemu/bin/qemu-system-aarch64');

/** Whether the guest can be built and a QEMU with vfio-user is there; says aloud what is missing. */
export function canProbe(): boolean {
  const missing = [
    ...(programPath('aarch64-linux-gnu-gcc') === undefined ? ['aarch64-linux-gnu-gcc'] : []),
    ...(existsSync(probeQemu) ? [] : [`${probeQemu} (./scripts/setup fetches it)`]),
  ];
  if (missing.length > 0) console.warn(`SKIPPED: needs ${missing.join(' and ')}`);
  return missing.length === 0;
}

export interface ProbeOptions {
  /** How long QEMU may run. */
  readonly timeoutMs?: number;
  /** How long QEMU waits for an answer. */
  readonly messageTimeoutMs?: number;
}

/** A folder with the built guest; one for a test file. */
export class ProbeGuest {
  readonly folder = mkdtempSync(join(tmpdir(), 'gpuvm-probe-'));
  readonly #image = join(this.folder, 'probe.bin');

  constructor() {
    const source = join(import.meta.dirname, '../../guest/window-probe');
    const elf = join(this.folder, 'probe.elf');
    execFileSync('aarch64-linux-gnu-gcc', [
      ...[
        '-O2',
        '-Wall',
        '-Wextra',
        '-Werror',
        '-ffreestanding',
        '-nostdlib',
        '-static',
        '-no-pie',
        '-fno-pic',
      ],
      ...['-mgeneral-regs-only', '-mstrict-align', '-fno-stack-protector', '-Wl,--build-id=none'],
      ...[`-Wl,-T,${source}/probe.ld`, '-o', elf, `${source}/probe.c`, `${source}/ivc.c`],
    ]);
    execFileSync('aarch64-linux-gnu-objcopy', ['-O', 'binary', elf, this.#image]);
  }

  /** The guest and its list as files in a folder, and the options for QEMU that load them. */
  install(script: ProbeScript, folder: string): { readonly kernel: string; readonly args: string[] } {
    const [kernel, steps, data] = ['probe.bin', 'steps', 'data'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    copyFileSync(this.#image, kernel);
    writeFileSync(steps, script.steps());
    writeFileSync(data, script.data());
    return { kernel, args: loaders(steps, data) };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Starts QEMU with the list against the server of the window, or those of the two devices of IVC. */
  start(
    script: ProbeScript,
    sockets: string | { readonly hsp: string; readonly sram: string },
    { timeoutMs = 60_000, messageTimeoutMs = 40_000 }: ProbeOptions = {},
  ) {
    const files = {
      steps: join(this.folder, 'steps'),
      data: join(this.folder, 'data'),
      stub: join(this.folder, 'stub'),
    };
    const served =
      typeof sockets === 'string'
        ? { devices: [{ socketPath: sockets, slot: WINDOW_SLOT }], bars: windowBars(script.window) }
        : {
            devices: [
              { socketPath: sockets.hsp, slot: IVC_DEVICES.hsp.slot },
              { socketPath: sockets.sram, slot: IVC_DEVICES.sram.slot },
            ],
            bars: ivcBars(),
          };
    const device = vfioUserDevices({
      ...served,
      stubPath: files.stub,
      messageTimeoutMs,
    });
    writeFileSync(files.steps, script.steps());
    writeFileSync(files.data, script.data());
    writeFileSync(files.stub, device.stub);
    return execa(
      'setpriv',
      [
        // It ends with this process, whatever ends that.
        ...['--pdeathsig', 'KILL', '--', probeQemu],
        ...['-nodefaults', '-no-user-config', '-display', 'none', '-nic', 'none', '-serial', 'stdio'],
        ...['-machine', 'virt', '-cpu', 'cortex-a72', '-smp', '2', '-m', '256M', '-kernel', this.#image],
        ...loaders(files.steps, files.data),
        ...device.arguments,
      ],
      { reject: false, timeout: timeoutMs, killSignal: 'SIGKILL', stdin: 'ignore' },
    );
  }

  /** Runs the list to its end and returns what it printed. */
  async run(
    script: ProbeScript,
    sockets: Parameters<ProbeGuest['start']>[1],
    options?: ProbeOptions,
  ): Promise<ProbeResult[]> {
    const { stdout, stderr, exitCode } = await this.start(script, sockets, options);
    const lines = stdout.split('\n').map((line) => line.trim());
    if (exitCode !== 0 || lines.at(-1) !== 'end') {
      throw new Error(`the guest did not end well (exit ${exitCode}): ${stderr}\n${stdout.slice(-500)}`);
    }
    return lines.slice(0, -1).map(parse);
  }
}

function loaders(steps: string, data: string): string[] {
  return [
    ...['-device', `loader,file=${steps},addr=0x${SCRIPT.toString(16)},force-raw=on`],
    ...['-device', `loader,file=${data},addr=0x${DATA.toString(16)},force-raw=on`],
  ];
}

function parse(line: string): ProbeResult {
  const [kind, ...words] = line.split(' ');
  const number = (i: number) => BigInt(`0x${words[i]}`);
  switch (kind) {
    case 'r':
      return { kind: 'read', value: number(0) };
    case 't':
      return {
        kind: 'transfer',
        ret: Number(BigInt.asIntN(32, number(0))),
        rxSize: number(1),
        rx: words[2] ?? '',
      };
    case 'n':
      return { kind: 'time', us: Number(number(0)) / 1000 };
    case 's':
      return { kind: 'second', rounds: number(0) };
    case 'reset':
      return { kind: 'reset' };
    default:
      throw new Error(`the guest printed ${JSON.stringify(line)}`);
  }
}
