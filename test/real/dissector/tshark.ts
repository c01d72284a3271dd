import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { CaptureWriter, type TransferRecord } from '../../../src/bpmp/capture/index.js';
import { dissectorText } from '../../../src/bpmp/dissector/index.js';

/** Another tshark than the PATH's, for runs by hand with a newer one. */
const program = process.env.GPUVM_TSHARK ?? 'tshark';

export interface Answer {
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder with the dissector, to run tshark on captures in it; nothing of the user's own is loaded or changed. */
export class Tshark {
  readonly folder = mkdtempSync(join(tmpdir(), 'gpuvm-tshark-'));
  readonly #script = join(this.folder, 'bpmp.lua');

  constructor() {
    writeFileSync(this.#script, dissectorText());
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** A capture of these transfers; returns its path. */
  capture(name: string, records: Iterable<TransferRecord>): string {
    const writer = new CaptureWriter({ program: 'gpuvm test' });
    const blocks = [writer.header()];
    for (const record of records) blocks.push(writer.add(record));
    blocks.push(writer.end());
    writeFileSync(this.path(name), Buffer.concat(blocks));
    return this.path(name);
  }

  /** A capture of these packets' data, whatever they are; of each, no more than it has was kept of `sizes`. */
  packets(name: string, packets: readonly Uint8Array[], sizes?: readonly number[]): string {
    const blocks = [
      block(0x0a0d0d0a, words32([0x1a2b3c4d, 1, 0xffffffff, 0xffffffff])),
      block(1, words32([147, 0])),
      ...packets.map((data, index) =>
        block(6, words32([0, 0, index, data.length, sizes?.[index] ?? data.length]), data),
      ),
    ];
    writeFileSync(this.path(name), Buffer.concat(blocks));
    return this.path(name);
  }

  async run(words: readonly string[], options: { script?: boolean; input?: string } = {}): Promise<Answer> {
    const script = options.script === false ? [] : ['-X', `lua_script:${this.#script}`];
    // A report (-G) has to be asked for in front.
    const all = words[0] === '-G' ? [...words, ...script] : [...script, ...words];
    const [command, args] =
      options.input === undefined
        ? [program, all]
        : ['sh', ['-c', 'cat "$0" | "$@"', options.input, program, ...all]];
    const { stdout, stderr } = await execa(command, args, {
      env: { HOME: this.folder, XDG_CONFIG_HOME: this.path('config'), LC_ALL: 'C.UTF-8', TZ: 'UTC' },
      maxBuffer: 1 << 30,
      timeout: 120_000,
      stripFinalNewline: false,
    });
    return { stdout, stderr };
  }

  /** The values of fields, packet by packet; those that a packet lacks are left out. */
  async fields(capture: string, names: readonly string[], words: readonly string[] = []) {
    const { stdout, stderr } = await this.run([
      ...['-r', capture, '-T', 'json', ...words],
      ...names.flatMap((name) => ['-e', name]),
    ]);
    const packets = JSON.parse(stdout) as { _source: { layers: Record<string, string[]> } }[];
    return { packets: packets.map(({ _source }) => _source.layers), stderr };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function words32(words: readonly number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(words).buffer);
}

/** A block of pcapng. */
function block(type: number, ...body: Uint8Array[]): Uint8Array {
  const size = body.reduce((sum, { length }) => sum + length, 0);
  const padding = -size & 3;
  const length = words32([12 + size + padding]);
  return Buffer.concat([words32([type]), length, ...body, new Uint8Array(padding), length]);
}
