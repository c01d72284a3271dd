import type { TransferRecord } from '../../src/bpmp/capture/index.js';
import type { Verdict } from '../../src/bpmp/policy/index.js';
import { tegra234 } from '../../src/bpmp/tegra234/index.js';
import { BpmpError, type CommandInfo, type MrqInfo, mrqs, type Type } from '../../src/bpmp/wire/index.js';

/** xorshift32: one seed, one row of numbers. */
export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0 || 1;
  }

  word(): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return this.#state >>> 0;
  }

  below(limit: number): number {
    return this.word() % limit;
  }

  oneIn(many: number): boolean {
    return this.below(many) === 0;
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  bytes(size: number): Uint8Array {
    return Uint8Array.from({ length: size }, () => this.word() >>> 7);
  }
}

const families = [...mrqs.values()];
const commands = families.flatMap((family) => family.commands);
const unions = commands.filter(({ reply }) => reply.list?.item.element.layout.form === 'variant');
const texts = ['clk/gpusys/rate', 'a "quoted" \\ one', 'new\nline\ttab', 'größe', 'x'.repeat(90), ''];
const vms = ['guest', 'gäst €𝄞', 'a "b" \\ c', 'tab\there', '', 'nul\0inside', '\u0085\u200b'];
const rules = ['policies/gpu.yaml:12 clocks.GPUSYS', 'built-in: shared roots', '', 'ü'.repeat(300)];
const verdicts: readonly Verdict[] = ['allow', 'deny', 'absorb', 'malformed'];

/** Numbers near a type's edges, its names and its units, or any. */
function fillNumber(chance: Chance, view: DataView, offset: number, type: Type): void {
  const { layout } = type;
  const known =
    layout.form === 'choice'
      ? Object.values(layout.numbers)
      : layout.form === 'flags'
        ? Object.values(layout.bits)
        : layout.form === 'named' && layout.source !== 'mrqs'
          ? tegra234[layout.source].ids
          : [0, 1, 1_300_000_000, 1_007_812_500, 999_999, 32_768, 408_000_000, 500, 1_000_001];
  const value = chance.oneIn(3) ? chance.word() >>> chance.below(32) : chance.of(known);
  const sign = chance.oneIn(6) ? -1 : 1;
  const high = chance.oneIn(4) ? chance.word() >>> chance.below(32) : 0;
  if (type.size === 8) view.setBigInt64(offset, ((BigInt(high) << 32n) | BigInt(value)) * BigInt(sign), true);
  else for (let at = 0; at < type.size; at++) view.setUint8(offset + at, (sign * value) >> (8 * at));
}

function fill(chance: Chance, view: DataView, offset: number, type: Type): void {
  const { layout } = type;
  if (layout.form === 'record') {
    let at = offset;
    for (const inner of Object.values(layout.fields)) {
      fill(chance, view, at, inner);
      at += inner.size;
    }
  } else if (layout.form === 'array') {
    for (let index = 0; index < layout.length; index++)
      fill(chance, view, offset + index * layout.element.size, layout.element);
  } else if (layout.form === 'text') putText(chance, view, offset, type.size);
  else if (layout.form === 'float')
    view.setFloat32(
      offset,
      chance.of([0, -0, 1.5, Number.NaN, Number.NEGATIVE_INFINITY, 0.1, 1e30, -2e-9]),
      true,
    );
  else if (layout.form === 'variant')
    fill(chance, view, offset, chance.of([...Object.values(layout.members), layout.others]));
  else fillNumber(chance, view, offset, type);
}

function putText(chance: Chance, view: DataView, offset: number, room: number): void {
  const bytes = chance.oneIn(4)
    ? chance.bytes(chance.below(room + 1))
    : Buffer.from(chance.of(texts), 'latin1');
  new Uint8Array(view.buffer, view.byteOffset + offset, room).set(bytes.subarray(0, room - 1));
}

/** A struct's bytes with values that mean something, most of the time. */
function structBytes(chance: Chance, struct: CommandInfo['request'], least: number): Uint8Array {
  const bytes = chance.bytes(Math.max(struct.size, least) + (chance.oneIn(5) ? chance.below(20) : 0));
  const view = new DataView(bytes.buffer);
  const { list, count, string } = struct;
  for (const { item, offset } of struct.placed)
    if (item.item === 'field' && !chance.oneIn(20)) fill(chance, view, offset, item.type);
  if (list && count) {
    const length = chance.oneIn(12) ? chance.below(300) : chance.below(list.item.max + 1);
    if (count.item.type.size === 4) view.setUint32(count.offset, length, true);
    else view.setUint8(count.offset, length);
    for (let index = 0; index < Math.min(length, list.item.max); index++)
      fill(chance, view, list.offset + index * list.item.element.size, list.item.element);
    if (list.item.as === 'text' && chance.oneIn(2)) putText(chance, view, list.offset, list.item.max);
  }
  if (string && !chance.oneIn(10)) {
    putText(chance, view, string.offset, string.item.max);
    if (chance.oneIn(2)) bytes[string.offset + chance.below(string.item.max)] = 0;
  }
  return bytes;
}

function putCommand(tx: Uint8Array, { place }: MrqInfo, command: number): void {
  const view = new DataView(tx.buffer, tx.byteOffset, tx.byteLength);
  if (tx.length < 4 || place === 'none') return;
  if (place === 'word') view.setUint32(0, command, true);
  else if (place === 'word-with-clock') view.setUint8(3, command);
  else view.setUint16(2, command, true);
}

function cutSomewhere(chance: Chance, bytes: Uint8Array): Uint8Array {
  return chance.oneIn(8) ? bytes.slice(0, chance.below(bytes.length + 1)) : bytes;
}

function payloads(chance: Chance): Pick<TransferRecord, 'mrq' | 'tx' | 'rx'> {
  if (chance.oneIn(40))
    return {
      mrq: chance.oneIn(2) ? chance.word() : chance.below(130),
      tx: chance.bytes(chance.below(130)),
      rx: chance.bytes(chance.below(130)),
    };
  // By MRQ, so that those of few commands are seen as well, or by command, for those of many; unions have many forms.
  const command = chance.oneIn(20)
    ? chance.of(unions)
    : chance.of(chance.oneIn(2) ? chance.of(families).commands : commands);
  const family = mrqs.get(command.mrq)!;
  const tx = structBytes(chance, command.request, command.minimum);
  putCommand(tx, family, chance.oneIn(30) ? chance.word() >>> chance.below(32) : command.number);
  const rx = structBytes(chance, command.reply, 0);
  return {
    mrq: family.number,
    tx: cutSomewhere(chance, tx),
    rx: chance.oneIn(5) ? rx.slice(0, 0) : cutSomewhere(chance, rx),
  };
}

function ret(chance: Chance): number {
  if (!chance.oneIn(4)) return 0;
  return chance.oneIn(3) ? chance.word() | 0 : chance.of(Object.values(BpmpError));
}

/** A transfer of any kind: of every MRQ and command, of those that nobody knows, whole, cut and hostile. */
export function randomTransfer(chance: Chance, sequence: number): TransferRecord {
  const verdict = chance.of(verdicts);
  const far = chance.oneIn(20) ? 2 ** 32 * chance.below(2 ** 21) : 0;
  return {
    sequence: sequence + far,
    vm: chance.oneIn(4) ? chance.of(vms) : 'guest',
    timeNs: 1_700_000_000_000_000_000n + BigInt(sequence) * 1_234_567n,
    ...payloads(chance),
    verdict,
    hidden: (verdict === 'deny' && chance.oneIn(2)) || undefined,
    observed: chance.oneIn(3) || undefined,
    rule: chance.of(rules),
    ret: ret(chance),
    latencyNs: (chance.word() >>> chance.below(32)) + (chance.oneIn(20) ? far : 0),
    thread: chance.oneIn(3) ? undefined : chance.word() || 1,
  };
}
