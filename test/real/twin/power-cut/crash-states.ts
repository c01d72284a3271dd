import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recover } from '../../../../src/journal/index.js';
import { withJournals } from './file-system.js';
import type { Moment } from './machine.js';
import type { Kept, VolatileDisk } from './volatile-disk.js';

/** What a power cut at some time would have left, and what must be in it. */
interface CrashState {
  /** For a message: after which moment, and what of unflushed writes was kept. */
  readonly name: string;
  readonly disk: VolatileDisk;
  /** Records of the journal that had to be durable by then, by the names that stop-at.cjs gives them. */
  readonly required: readonly string[];
}

/** What a host that finds one of them makes of it. */
export interface Judged {
  readonly name: string;
  /** Records that the change which they announce did not wait for. */
  readonly missing: readonly string[];
  /** The journal has zeros where something was written. */
  readonly isTorn: boolean;
  readonly recovered: readonly string[];
  readonly ok: boolean;
  /** Files of gpuvm's that are still there afterwards. */
  readonly left: readonly string[];
  readonly again: number;
}

/**
 * All disks that a power cut could have left while commands ran in a twin: at each of their moments, and before each
 * flush, when the most is to lose, with any of the unflushed sectors there and any not.
 */
export class CrashStates {
  readonly #states = new Map<string, CrashState>();
  readonly #seeds: number;
  #after = 'the start';
  #written: string[] = [];
  #required: string[] = [];

  /** @param seeds - how many choices of unflushed sectors are looked at for each flush */
  constructor(seeds: number) {
    this.#seeds = seeds;
  }

  get count(): number {
    return this.#states.size;
  }

  atMoment({ command, name, disk }: Moment): void {
    this.#after = `${command}: ${name}`;
    const record = / is written$/.test(name) ? name.slice(0, -' is written'.length) : undefined;
    if (record !== undefined) this.#written.push(record);
    // What is written to sysfs from here on was announced by all that the journal says until now.
    if (/^\/sys\/.* is to be written$/.test(name)) this.#required = [...this.#written];
    if (name === 'unlink of the journal is made') {
      this.#written = [];
      this.#required = [];
    }
    this.#keep(disk, 'nothing');
  }

  atFlush(disk: VolatileDisk): void {
    this.#keep(disk, 'nothing');
    if (disk.unflushed === 0) return;
    for (let seed = 1; seed <= this.#seeds; seed++) this.#keep(disk, disk.writes * 1000 + seed);
  }

  async judge(): Promise<Judged[]> {
    const judged: Judged[] = [];
    for (const state of this.#states.values())
      judged.push(
        await judge(state).catch((cause: Error) => {
          throw new Error(`${state.name}: ${cause.message}`, { cause });
        }),
      );
    return judged;
  }

  #keep(disk: VolatileDisk, kept: Kept): void {
    // The same disk is not looked at twice, unless more must be on it.
    const writes = kept === 'nothing' ? disk.flushes : disk.writes;
    const key = JSON.stringify([writes, kept, this.#required]);
    if (this.#states.has(key)) return;
    const name = `after ${this.#after}, ${kept === 'nothing' ? kept : `seed ${kept}`} of ${disk.unflushed} unflushed sectors kept`;
    this.#states.set(key, { name, disk: disk.afterCut(kept), required: this.#required });
  }
}

async function judge({ name, disk, required }: CrashState): Promise<Judged> {
  return withJournals(disk, async ({ folder, texts }) => {
    const records = texts.flatMap((text) => text.split('\n')).map(nameOf);
    const missing = required.filter((record) => !records.includes(record));
    const isTorn = texts.some((text) => text.includes('\0'));
    const folders = { journal: join(folder, 'journal'), locks: join(folder, 'locks') };
    const sysroot = otherBoot();
    try {
      const { journals, ok } = await recover({ folders, sysroot });
      const left = readdirSync(folder, { recursive: true })
        .map(String)
        .filter((file) => file !== 'journal');
      const again = (await recover({ folders, sysroot })).journals.length;
      const recovered = journals.map(({ state, why = '' }) => `${state} ${why}`.trim());
      return { name, missing, isTorn, recovered, ok, left, again };
    } finally {
      rmSync(sysroot, { recursive: true });
    }
  });
}

/** As stop-at.cjs names a record. */
function nameOf(line: string): string {
  const kind = /^\{"(\w+)":(?:\{"id":)?("[^"]*")?/.exec(line);
  return `${kind?.[1]} ${kind?.[2] ?? ''}`.trim();
}

/** A root in which nothing is but the id of another boot. */
function otherBoot(): string {
  const root = mkdtempSync(join(tmpdir(), 'gpuvm-boot-'));
  const random = join(root, 'proc/sys/kernel/random');
  mkdirSync(random, { recursive: true });
  writeFileSync(join(random, 'boot_id'), '00000000-0000-4000-8000-000000000000\n');
  return root;
}
