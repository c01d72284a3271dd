import { randomInt } from 'node:crypto';
import { execa } from 'execa';
import { afterAll, describe, expect, it } from 'vitest';
import { decodeTransfer, encodeTransfer } from '../../../src/bpmp/capture/index.js';
import { fields } from '../../../src/bpmp/fields/index.js';
import { Chance, randomTransfer } from '../../support/random-transfers.js';
import { differences } from './differences.js';
import { Tshark } from './tshark.js';

const tshark = new Tshark();
afterAll(() => tshark.remove());

const names = fields.map(({ name }) => name);
/** What Wireshark calls a mistake of a dissector's own. */
const mistakes = ['_ws.lua.error', '_ws.malformed.dissector_bug', '_ws.malformed.expert'];
const MAGIC = [0x42, 0x50, 0x4d, 0x50];

/** A record with some bytes changed, cut, lengthened, or nothing like one; mostly with its magic. */
function damaged(chance: Chance, index: number): Uint8Array {
  let bytes = encodeTransfer(randomTransfer(chance, index));
  const kind = chance.below(8);
  if (kind === 0) bytes = bytes.slice(0, chance.below(bytes.length + 1));
  else if (kind === 1) bytes = Buffer.concat([bytes, chance.bytes(1 + chance.below(9))]);
  else if (kind === 2) {
    bytes = chance.bytes(chance.below(200));
    if (!chance.oneIn(3)) bytes.set(MAGIC.slice(0, bytes.length));
  } else {
    // In the header, and anywhere.
    const limit = chance.oneIn(2) ? 48 : bytes.length;
    for (let count = chance.below(6); count >= 0; count--)
      bytes[4 + chance.below(limit - 4)] = chance.word() >>> 9;
  }
  return Uint8Array.from(bytes);
}

function hasMagic(bytes: Uint8Array): boolean {
  return bytes.length >= 5 && MAGIC.every((byte, at) => bytes[at] === byte);
}

describe('what is no sound record', () => {
  it.each([
    ['the same ones each time', 7_654_321],
    ['others each time', randomInt(1, 2 ** 31)],
  ])('is told of, and never a mistake of the program, %s (seed %i)', async (_, seed) => {
    const chance = new Chance(seed);
    const packets = Array.from({ length: 6000 }, (_, index) => damaged(chance, index));
    const path = tshark.packets('damaged.pcapng', packets);
    const told = await tshark.fields(path, [
      ...names,
      'bpmp.expert.damaged',
      '_ws.lua.text',
      '_ws.malformed',
    ]);
    expect(told.stderr).not.toMatch(/Lua|error/i);
    const wrong: string[] = [];
    const seen = { sound: 0, damaged: 0, others: 0 };
    for (const [index, bytes] of packets.entries()) {
      const packet = told.packets[index]!;
      const record = decodeTransfer(bytes);
      const reason = typeof record === 'string' ? record : undefined;
      if (mistakes.some((name) => packet[name])) wrong.push(`packet ${index}: ${JSON.stringify(packet)}`);
      const isDamaged = packet['bpmp.expert.damaged'] !== undefined;
      if (isDamaged !== (reason !== undefined && hasMagic(bytes)))
        wrong.push(`packet ${index}: ${reason ?? 'sound'}`);
      if (typeof record !== 'string')
        wrong.push(
          ...differences(record, packet).found.map((found) => `packet ${index}: ${JSON.stringify(found)}`),
        );
      seen[reason === undefined ? 'sound' : isDamaged ? 'damaged' : 'others']++;
    }
    expect(wrong.slice(0, 10), `seed ${seed}`).toEqual([]);
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(100);
  });

  it('is shown in the tree as well without one', async () => {
    const chance = new Chance(99);
    const packets = Array.from({ length: 1500 }, (_, index) => damaged(chance, index));
    const { stdout, stderr } = await tshark.run(['-r', tshark.packets('tree.pcapng', packets), '-V', '-x']);
    expect(`${stdout}${stderr}`).not.toMatch(/Lua Error|\[Malformed Packet|Dissector bug/);
    expect(stdout).toMatch(/Damaged record: \d+ bytes, but its lengths make \d+/);
  });

  it.each([4, 5, 47, 48, 60, 90])('is what another program cut to %i bytes', async (size) => {
    const chance = new Chance(size);
    const path = tshark.capture(
      'whole.pcapng',
      Array.from({ length: 300 }, (_, index) => randomTransfer(chance, index)),
    );
    const cut = tshark.path('cut.pcapng');
    await execa('editcap', ['-s', String(size), path, cut]);
    const { stdout, stderr } = await tshark.run(['-r', cut, '-V']);
    expect(`${stdout}${stderr}`).not.toMatch(/Lua Error|Dissector bug/);
    if (size > 4) expect(stdout).toContain('Damaged record');
  });

  it('leaves packets without the magic to whoever else has USER0', async () => {
    const path = tshark.packets('others.pcapng', [Uint8Array.from({ length: 60 }, (_, index) => index)]);
    const { stdout } = await tshark.run(['-r', path, '-V']);
    expect(stdout).not.toContain('BPMP');
    expect(stdout).toContain('User encapsulation not handled: DLT=147');
    const asIp = 'uat:user_dlts:"User 0 (DLT=147)","ip","0","","0",""';
    const { stdout: line } = await tshark.run(['-r', path, '-o', asIp]);
    expect(line).toContain('Bogus IP version');
  });
});
