import { BpmpError } from '../../wire/index.js';
import type { Clock } from './clock-tree.js';
import type { Clocks } from './clocks.js';
import type { Thermal } from './thermal.js';

/** A file of the debug tree: its text when it is opened, and what a write of some text does. */
export interface DebugFile {
  read(): string;
  /** Returns 0 or a negative `BPMP_E…`; absent where the file cannot be written. */
  write?(text: string): number;
}

/** A directory's entries; asked for anew at each use, so that four hundred clocks cost nothing until somebody looks. */
export type DebugDirectory = () => ReadonlyMap<string, DebugNode>;
export type DebugNode = DebugFile | DebugDirectory;

/** `DEBUGFS_S_…`: what a directory's listing says of each entry. */
const Attribute = { DIRECTORY: 0x200, READ: 0x100, WRITE: 0x80 } as const;

export function isDirectory(node: DebugNode): node is DebugDirectory {
  return typeof node === 'function';
}

/** Finds a node by its path: `/clk/osc/rate`, `/clk/`, `/`. */
export function findNode(root: DebugDirectory, path: string): DebugNode | undefined {
  let node: DebugNode | undefined = root;
  for (const part of path.split('/')) {
    if (part === '') continue;
    node = node !== undefined && isDirectory(node) ? node().get(part) : undefined;
  }
  return node;
}

/** A directory as it is read: for each entry a u32 of attributes and its name, terminated, without padding. */
export function listing(directory: DebugDirectory): Uint8Array {
  const parts: Buffer[] = [];
  for (const [name, node] of directory()) {
    const attributes = Buffer.alloc(4);
    const access = Attribute.READ | (!isDirectory(node) && node.write ? Attribute.WRITE : 0);
    attributes.writeUInt32LE(isDirectory(node) ? Attribute.DIRECTORY | Attribute.READ : access);
    parts.push(attributes, Buffer.from(`${name}\0`, 'latin1'));
  }
  return Buffer.concat(parts);
}

export interface DebugTreeParts {
  readonly clocks: Clocks;
  readonly thermal: Thermal;
  readonly tag: string;
  /** How many clocks have files, by ascending id. */
  readonly clockLimit: number;
  /** Requests so far by MRQ number. */
  requests(): Record<string, number>;
}

/** The files that the model offers; real firmware has more, and promises none. */
export function debugTree({ clocks, thermal, tag, clockLimit, requests }: DebugTreeParts): DebugDirectory {
  const started = process.hrtime.bigint();
  const shown = clocks.clocks.filter((clock) => clock !== undefined).slice(0, clockLimit);
  const directories = new Map<string, DebugNode>(
    shown.map((clock) => [clock.name, () => clockFiles(clock, clocks)]),
  );
  const zones = new Map<string, DebugNode>(
    thermal.zones.map(({ name }, zone) => [
      name,
      () => new Map([['temp', line(() => thermal.temperature(zone) ?? -256_000)]]),
    ]),
  );
  const counts = () =>
    Object.entries(requests())
      .map(([mrq, count]) => `${mrq} ${count}\n`)
      .join('');
  const top = new Map<string, DebugNode>([
    ['clk', () => directories],
    ['thermal', () => zones],
    ['mrq', () => new Map([['requests', { read: counts }]])],
    ['tag', line(() => tag)],
    ['uptime', line(() => (process.hrtime.bigint() - started) / 1000n)],
  ]);
  return () => top;
}

function clockFiles(clock: Clock, clocks: Clocks): ReadonlyMap<string, DebugFile> {
  const { id } = clock;
  return new Map<string, DebugFile>([
    [
      'rate',
      line(
        () => clocks.rate(id),
        (hz) => {
          clocks.setRate(clock, hz);
          return 0;
        },
      ),
    ],
    [
      'state',
      line(
        () => clocks.enabled[id]!,
        (state) => (state > 1 ? BpmpError.EINVAL : clocks.setEnabled(clock, state === 1 ? 1 : 0)),
      ),
    ],
    [
      'parent',
      line(() => clocks.clocks[clocks.parents[id]!]?.name ?? '', undefined, parentWriter(clock, clocks)),
    ],
    [
      'mrq_rate_locked',
      line(
        () => clocks.rateLocked[id]!,
        (locked) => {
          clocks.rateLocked[id] = locked === 0 ? 0 : 1;
          return 0;
        },
      ),
    ],
    ['max_rate', line(() => clocks.round(clock, Number.MAX_SAFE_INTEGER))],
    ['min_rate', line(() => clocks.round(clock, 0))],
  ]);
}

/** Takes a parent's name or number. */
function parentWriter(clock: Clock, clocks: Clocks) {
  return (text: string): number => {
    const parent = clock.parents.find((id) => String(id) === text || clocks.clocks[id]!.name === text);
    return parent === undefined ? BpmpError.EINVAL : clocks.setParent(clock, parent);
  };
}

function line(
  read: () => number | bigint | string,
  writeNumber?: (value: number) => number,
  writeText?: (text: string) => number,
): DebugFile {
  const file: DebugFile = { read: () => `${read()}\n` };
  if (writeText) file.write = (text) => writeText(text.trim());
  else if (writeNumber) {
    file.write = (text) =>
      /^\d{1,15}$/.test(text.trim()) ? writeNumber(Number(text.trim())) : BpmpError.EINVAL;
  }
  return file;
}
