/**
 * The rules of a policy read aloud: slow, on plain objects, sharing no code with the tables. What both decide must
 * agree.
 */
import { parse } from 'yaml';
import { tegra234 } from '../../../src/bpmp/tegra234/index.js';
import { mrqs, type ResourceTable } from '../../../src/bpmp/wire/index.js';

export interface Verdict {
  readonly verdict: 'allow' | 'deny' | 'absorb' | 'malformed';
  readonly hidden: boolean;
}

interface Line {
  right?: string;
  shared?: boolean;
  onShared?: string;
  maxRate?: string | number;
  commands?: string[];
}

const allow: Verdict = { verdict: 'allow', hidden: false };
const deny: Verdict = { verdict: 'deny', hidden: false };
const hole: Verdict = { verdict: 'deny', hidden: true };
const absorb: Verdict = { verdict: 'absorb', hidden: false };
const malformed: Verdict = { verdict: 'malformed', hidden: false };

const clkNames: Record<number, string> = {
  1: 'GET_RATE',
  2: 'SET_RATE',
  3: 'ROUND_RATE',
  4: 'GET_PARENT',
  5: 'SET_PARENT',
  6: 'IS_ENABLED',
  7: 'ENABLE',
  8: 'DISABLE',
  14: 'GET_ALL_INFO',
  16: 'GET_FMAX_AT_VMIN',
};
const clkReads = ['GET_RATE', 'ROUND_RATE', 'GET_PARENT', 'IS_ENABLED', 'GET_ALL_INFO', 'GET_FMAX_AT_VMIN'];
const roots = [
  'CLK_M',
  'OSC',
  'PLLP_OUT0',
  'UTMIP_PLL',
  'PLLREFE_VCOOUT',
  'UTMIPLL_CLKOUT480',
  'PLLREFE_VCOOUT_GATED',
];
const rootIds = roots.map((name) => tegra234.clocks.idOf(name));

function find(
  section: Record<string, unknown> | null | undefined,
  table: ResourceTable,
  id: number,
): Line | undefined {
  // A range covers what has a name.
  if (table.nameOf(id) === undefined) return undefined;
  for (const [key, value] of Object.entries(section ?? {})) {
    const [from, to] = key.split('..');
    const number = (word: string) => (/^\d+$/.test(word) ? Number(word) : table.idOf(word)!);
    const first = number(from!);
    const last = to === undefined ? first : number(to);
    if (id < first || id > last) continue;
    const line: Line = typeof value === 'string' ? { right: value } : { ...(value as Line) };
    if (line.right === 'shared') {
      line.right = 'use';
      line.shared = true;
    }
    return line;
  }
  return undefined;
}

function hertz(rate: string | number): bigint {
  if (typeof rate === 'number') return BigInt(rate);
  const [value, unit] = rate.split(' ') as [string, string];
  return BigInt(Math.round(Number(value) * { Hz: 1, kHz: 1e3, MHz: 1e6, GHz: 1e9 }[unit]!));
}

const any = (line: Line | undefined): boolean =>
  line !== undefined && (line.commands ? line.commands.length > 0 : line.right !== 'none');

export class Oracle {
  readonly #policy: Record<string, Record<string, unknown> | string | null | undefined>;
  readonly #closure: ReadonlySet<number>;

  constructor(text: string, closure: Iterable<number> = []) {
    this.#policy = parse(text) as Record<string, string>;
    this.#closure = new Set(closure);
  }

  decide(mrq: number, tx: Uint8Array): Verdict {
    const bytes = Buffer.from(tx);
    if (!mrqs.has(mrq)) return deny;
    if (mrq === 22) return this.#clk(bytes);
    if (mrq === 20) return this.#reset(bytes);
    if (mrq === 66) return this.#pg(bytes);
    if (mrq === 21) return this.#i2c(bytes);
    return this.#other(mrq, bytes);
  }

  #section(name: string) {
    return this.#policy[name] as Record<string, unknown> | undefined;
  }

  #full(): boolean {
    return this.#policy.view === 'full';
  }

  #general(family: string, command: string): Verdict {
    const said = this.#section('mrqs')?.[family];
    if (said === undefined || said === 'read') return allow;
    return Array.isArray(said) && said.includes(command) ? allow : deny;
  }

  /** What a line gives, once it is known what the command does. */
  #byLine(
    line: Line | undefined,
    name: string,
    effect: 'read' | 'use' | 'tune',
    harmful: boolean,
    shared: boolean,
  ) {
    const onShared = line?.onShared ?? this.#policy.shared ?? 'absorb';
    const ladder = ['none', 'read', 'use', 'tune'];
    const needed = shared && harmful ? 'use' : effect;
    const reached = line?.right === undefined || ladder.indexOf(line.right) >= ladder.indexOf(needed);
    const listed = line?.commands === undefined || line.commands.includes(name);
    if (line === undefined || !reached || !listed) return undefined;
    if (shared && harmful) return onShared === 'absorb' ? absorb : deny;
    return allow;
  }

  #clk(tx: Buffer): Verdict {
    if (tx.length < 4) return malformed;
    const word = tx.readUInt32LE(0);
    const command = Math.floor(word / 2 ** 24);
    const id = word % 2 ** 24;
    if (command === 15) return this.#general('CLK', 'GET_MAX_CLK_ID');
    const name = clkNames[command];
    if (name === undefined) return deny;
    const long = name === 'SET_RATE' || name === 'ROUND_RATE' ? 16 : name === 'SET_PARENT' ? 8 : 4;
    if (tx.length < long) return malformed;
    const clocks = this.#section('clocks');
    const written = find(clocks, tegra234.clocks, id);
    const parent = written === undefined && this.#closure.has(id) && id <= tegra234.clocks.maxId;
    const line: Line | undefined = parent ? { right: 'use', shared: true } : written;
    const shared = rootIds.includes(id) || line?.shared === true;
    const reads = clkReads.includes(name);
    const harmful = ['DISABLE', 'SET_RATE', 'SET_PARENT'].includes(name);
    const effect = reads ? 'read' : name.startsWith('SET_') ? 'tune' : 'use';
    let verdict = this.#byLine(line, name, effect, harmful, shared);
    if (verdict === undefined) {
      if (!reads) return deny;
      if (!this.#full()) return any(line) ? deny : hole;
      verdict = allow;
    }
    if (verdict !== allow) return verdict;
    if (long === 16) {
      const rate = tx.readBigInt64LE(8);
      if (rate < 0n) return deny;
      if (name === 'SET_RATE' && line?.maxRate !== undefined && rate > hertz(line.maxRate)) return deny;
    }
    if (name === 'SET_PARENT') {
      const to = tx.readUInt32LE(4);
      const target = find(clocks, tegra234.clocks, to);
      const visible =
        target === undefined ? this.#closure.has(to) && to <= tegra234.clocks.maxId : any(target);
      return visible ? allow : deny;
    }
    return allow;
  }

  #reset(tx: Buffer): Verdict {
    if (tx.length < 4) return malformed;
    const command = tx.readUInt32LE(0);
    if (command < 1 || command > 4) return deny;
    if (tx.length < 8) return malformed;
    if (command === 4) return this.#general('RESET', 'GET_MAX_ID');
    const name = ['', 'ASSERT', 'DEASSERT', 'MODULE'][command]!;
    const line = find(this.#section('resets'), tegra234.resets, tx.readUInt32LE(4));
    return this.#byLine(line, name, 'use', name !== 'DEASSERT', line?.shared === true) ?? deny;
  }

  #pg(tx: Buffer): Verdict {
    if (tx.length < 4) return malformed;
    const command = tx.readUInt32LE(0);
    if (command > 4) return deny;
    if (tx.length < (command < 2 ? 12 : 8)) return malformed;
    if (command === 0) return this.#general('PG', 'QUERY_ABI');
    if (command === 4) return this.#general('PG', 'GET_MAX_ID');
    const line = find(this.#section('powerDomains'), tegra234.powerDomains, tx.readUInt32LE(4));
    if (command === 1) {
      const state = tx.readUInt32LE(8);
      if (state > 1) return deny;
      return this.#byLine(line, 'SET_STATE', 'use', state === 0, line?.shared === true) ?? deny;
    }
    const name = command === 2 ? 'GET_STATE' : 'GET_NAME';
    return this.#byLine(line, name, 'read', false, false) ?? (this.#full() ? allow : any(line) ? deny : hole);
  }

  #i2c(tx: Buffer): Verdict {
    if (tx.length < 4) return malformed;
    if (tx.readUInt32LE(0) !== 1) return deny;
    if (tx.length < 12) return malformed;
    const size = tx.readUInt32LE(8);
    if (12 + size > tx.length || size > 108) return malformed;
    let rest = tx.subarray(12, 12 + size);
    const used: number[] = [];
    while (rest.length > 0) {
      if (rest.length < 6) return malformed;
      const flags = rest.readUInt16LE(2);
      const length = 6 + (flags & 1 ? 0 : rest.readUInt16LE(4));
      if (length > rest.length) return malformed;
      used.push(flags & 0x10 ? -1 : rest.readUInt16LE(0));
      rest = rest.subarray(length);
    }
    const granted = this.#section('i2c')?.[String(tx.readUInt32LE(4))];
    if (!Array.isArray(granted) || granted.length === 0) return deny;
    return used.length > 0 && used.every((address) => granted.includes(address)) ? allow : deny;
  }

  /** Families without resources; which bytes are whole is the wire's to say, and tested there. */
  #other(mrq: number, tx: Buffer): Verdict {
    const family = mrqs.get(mrq)!;
    let command = 0;
    if (family.hasCommands) {
      if (tx.length < 4) return malformed;
      if (family.place === 'half-word-with-lane') command = tx.readUInt16LE(2);
      else command = family.place === 'word-with-clock' ? tx.readUInt8(3) : tx.readUInt32LE(0);
    }
    const info = family.commands.find(({ number }) => number === command);
    if (info === undefined) return deny;
    if (tx.length < info.minimum) return malformed;
    if (['QUERY_TAG', 'DEBUGFS', 'CPU_VHINT'].includes(family.name)) return deny;
    if (info.name === 'HOST_TRIP_REACHED') return deny;
    const said = this.#section('mrqs')?.[family.name];
    if (said === undefined) {
      return ['PING', 'THREADED_PING', 'QUERY_FW_TAG', 'QUERY_ABI'].includes(family.name) ? allow : deny;
    }
    if (said === 'allow') return allow;
    if (said === 'read') {
      if (family.name === 'DEBUG') return ['OPEN_RO', 'READ', 'CLOSE'].includes(info.name) ? allow : deny;
      return info.effect === 'read' ? allow : deny;
    }
    return Array.isArray(said) && said.includes(info.name) ? allow : deny;
  }
}
