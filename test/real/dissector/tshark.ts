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

  async run(words: readonly string[], options: { script?: boolean } = {}): Promise<Answer> {
    const script = options.script === false ? [] : ['-X', `lua_script:${this.#script}`];
    // A report (-G) has to be asked for in front.
    const all = words[0] === '-G' ? [...words, ...script] : [...script, ...words];
    const { stdout, stderr } = await execa(program, all, {
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
