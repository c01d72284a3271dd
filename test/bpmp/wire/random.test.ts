import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tegra234 } from '../../../src/bpmp/tegra234/index.js';
import {
  type CommandInfo,
  classify,
  decodeReply,
  decodeRequest,
  describe as describeRequest,
  encodeReply,
  encodeRequest,
  Mrq,
  mrqs,
  newShape,
  ShapeStatus,
} from '../../../src/bpmp/wire/index.js';

const families = [...mrqs.values()];
const commands = families.flatMap((family) => family.commands.map((command) => ({ family, command })));

function putCommand(bytes: Uint8Array, mrq: number, command: number): void {
  const place = mrqs.get(mrq)?.place;
  if (bytes.length < 4 || place === undefined || place === 'none') return;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (place === 'word') view.setUint32(0, command, true);
  else if (place === 'word-with-clock') view.setUint8(3, command);
  else view.setUint16(2, command, true);
}

/** Makes what gives its own length do so within bounds. */
function settle(struct: CommandInfo['request'], bytes: Uint8Array): void {
  const { count, list, string } = struct;
  if (count && list) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const length = bytes[count.offset]! % (list.item.max + 1);
    if (count.item.type.size === 4) view.setUint32(count.offset, length, true);
    else view.setUint8(count.offset, length);
  }
  if (string) bytes[string.offset + string.item.max - 1] = 0;
}

const random = (size: number) => fc.uint8Array({ minLength: size, maxLength: size + 16 });

describe('every command', () => {
  it.each(commands)('$command.title: a request survives decoding and encoding', ({ family, command }) => {
    const size = Math.max(command.request.size, command.minimum);
    fc.assert(
      fc.property(random(size), fc.boolean(), (bytes, withNames) => {
        const names = withNames ? tegra234 : undefined;
        putCommand(bytes, family.number, command.number);
        settle(command.request, bytes);
        const decoded = decodeRequest(family.number, bytes, names);
        expect(decoded.status).toBe('ok');
        const asJson = JSON.parse(JSON.stringify(decoded)) as typeof decoded;
        const encoded = encodeRequest(asJson, names);
        expect(encoded.mrq).toBe(family.number);
        expect(decodeRequest(encoded.mrq, encoded.tx, names)).toEqual(decoded);
        expect(encodeRequest(decodeRequest(encoded.mrq, encoded.tx)).tx).toEqual(encoded.tx);
        expect(encoded.tx.length).toBeLessThanOrEqual(size);
        expect(classify(encoded.mrq, encoded.tx, newShape())).toEqual(
          classify(family.number, bytes, newShape()),
        );
      }),
      { numRuns: 20 },
    );
  });

  it.each(commands)('$command.title: a reply survives decoding and encoding', ({ family, command }) => {
    const tx = new Uint8Array(Math.max(command.minimum, 4));
    putCommand(tx, family.number, command.number);
    fc.assert(
      fc.property(random(command.reply.size), (bytes) => {
        settle(command.reply, bytes);
        const decoded = decodeReply(family.number, tx, 0, bytes, tegra234);
        expect(decoded.status).toBe('ok');
        const asJson = JSON.parse(JSON.stringify(decoded)) as typeof decoded;
        const { rx } = encodeReply(asJson, tegra234);
        expect(decodeReply(family.number, tx, 0, rx, tegra234)).toEqual(decoded);
        expect(encodeReply(decodeReply(family.number, tx, 0, rx)).rx).toEqual(rx);
      }),
      { numRuns: 20 },
    );
  });

  it('takes any bytes for a reply', () => {
    fc.assert(
      fc.property(
        fc.nat(100),
        fc.uint8Array({ maxLength: 130 }),
        fc.integer(),
        fc.uint8Array(),
        (mrq, tx, ret, rx) => {
          JSON.stringify(decodeReply(mrq, tx, ret, rx, tegra234));
        },
      ),
    );
  });
});

/** xorshift32: the same million on every run. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

describe('a million hostile requests', () => {
  const total = 1_200_000;

  it('neither throw, nor pass for another, nor leave memory behind', { timeout: 60_000 }, () => {
    const next = numbers(0x5eed);
    const arena = new Uint8Array(1 << 16);
    const arenaView = new DataView(arena.buffer);
    const refill = () => {
      for (let at = 0; at < arena.length; at += 4) arenaView.setUint32(at, next(), true);
    };
    const shape = newShape();
    const seen = [0, 0, 0, 0];
    // The least heap of the first and the last third: what is left after collections, without forcing one.
    let early = Number.POSITIVE_INFINITY;
    let late = Number.POSITIVE_INFINITY;
    for (let turn = 0; turn < total; turn++) {
      if (turn % 4096 === 0) {
        refill();
        const { heapUsed } = process.memoryUsage();
        if (turn < total / 3) early = Math.min(early, heapUsed);
        if (turn > (total / 3) * 2) late = Math.min(late, heapUsed);
      }
      const roll = next();
      const at = roll % (arena.length - 512);
      const tx = arena.subarray(at, at + (next() % 128));
      const mrq = roll % 8 === 0 ? next() : families[next() % families.length]!.number;
      if (roll % 4 !== 0) {
        // Commands near the real ones, most of them real.
        const known = mrqs.get(mrq)?.commands;
        if (known)
          putCommand(tx, mrq, roll % 64 === 1 ? next() & 0xff : known[next() % known.length]!.number);
      }
      classify(mrq, tx, shape);
      seen[shape.status]!++;
      const decoded = decodeRequest(mrq, tx, tegra234);
      const expected = ['ok', 'unknown', 'unknown', 'malformed'][shape.status];
      if (decoded.status !== expected)
        expect.fail(`${decoded.status} for ${expected}: ${describeRequest(mrq, tx)}`);
      if (turn % 64 === 0) describeRequest(mrq, tx, tegra234);
      if (shape.status === ShapeStatus.OK && tx.length >= 8) {
        const first = (tx[0]! | (tx[1]! << 8) | (tx[2]! << 16) | (tx[3]! << 24)) >>> 0;
        const second = (tx[4]! | (tx[5]! << 8) | (tx[6]! << 16) | (tx[7]! << 24)) >>> 0;
        const isWrong =
          mrq === Mrq.CLK
            ? shape.command !== Math.floor(first / 2 ** 24) || ![first % 2 ** 24, -1].includes(shape.id)
            : (mrq === Mrq.RESET || mrq === Mrq.PG) &&
              (shape.command !== first || ![second, -1].includes(shape.id));
        if (isWrong) expect.fail(`${describeRequest(mrq, tx)} became ${JSON.stringify(shape)}`);
      }
    }
    expect(late - early).toBeLessThan(8 << 20);
    for (const count of seen) expect(count).toBeGreaterThan(total / 100);
  });
});
