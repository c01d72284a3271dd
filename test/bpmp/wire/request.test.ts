import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { tegra234 } from '../../../src/bpmp/tegra234/index.js';
import {
  decodeReply,
  decodeRequest,
  describe as describeRequest,
  encodeReply,
  encodeRequest,
  Mrq,
} from '../../../src/bpmp/wire/index.js';

function bytes(digits: string): Uint8Array {
  return Uint8Array.from(Buffer.from(digits.replaceAll(' ', ''), 'hex'));
}

function digits(given: Uint8Array): string {
  return Buffer.from(given).toString('hex');
}

interface Line {
  readonly mrq: number;
  readonly tx: string;
  readonly rx: string;
  readonly ret: number;
}

describe('the traces of real guests', () => {
  it.each(['boot-window', 'boot-ivc', 'userspace'])('%s: every request and reply decodes by name', (name) => {
    const text = readFileSync(new URL(`../../data/traces/${name}.ndjson`, import.meta.url), 'utf8');
    for (const line of text.trim().split('\n')) {
      const { mrq, tx, rx, ret } = JSON.parse(line) as Line;
      const request = decodeRequest(mrq, bytes(tx), tegra234);
      expect(request.status, line).toBe('ok');
      const again = encodeRequest(request, tegra234);
      expect(decodeRequest(again.mrq, again.tx, tegra234)).toEqual(request);
      const reply = decodeReply(mrq, bytes(tx), ret, bytes(rx), tegra234);
      expect(reply.status, line).toBe('ok');
      // Of a reply that says how much of it counts, the bytes behind that are not kept.
      expect(rx.startsWith(digits(encodeReply(reply).rx)), line).toBe(true);
    }
  });
});

describe('decodeRequest', () => {
  it('names what is asked', () => {
    expect(decodeRequest(Mrq.CLK, bytes('29000002 00000000 006d7c4d00000000'), tegra234)).toEqual({
      status: 'ok',
      mrq: { id: 22, name: 'CLK' },
      command: { id: 2, name: 'SET_RATE' },
      fields: { clock: { id: 41, name: 'GPC0CLK' }, rateHz: 1_300_000_000 },
    });
    expect(decodeRequest(Mrq.PG, bytes('01000000 23000000 07000000')).fields).toEqual({
      powerDomain: { id: 35 },
      state: 7,
    });
  });

  it('keeps a 64-bit integer exact', () => {
    const tx = bytes('29000002 00000000 ffffffffffffff7f');
    const decoded = decodeRequest(Mrq.CLK, tx);
    expect(decoded.fields.rateHz).toBe('9223372036854775807');
    expect(encodeRequest(decoded).tx).toEqual(tx);
  });

  it('leaves the unknown unknown, with its bytes', () => {
    const noMrq = {
      status: 'unknown',
      mrq: { id: 12 },
      fields: {},
      bytes: '0102',
      reason: 'the ABI has no MRQ 12',
    };
    expect(decodeRequest(12, bytes('0102'))).toEqual(noMrq);
    expect(encodeRequest(decodeRequest(12, bytes('0102')))).toEqual({ mrq: 12, tx: bytes('0102') });
    expect(decodeRequest(Mrq.RESET, bytes('05000000 13000000'))).toMatchObject({
      status: 'unknown',
      command: { id: 5 },
      reason: 'RESET has no command 5',
    });
  });

  it('says why a request is malformed, and what can be read of it', () => {
    expect(decodeRequest(Mrq.CLK, bytes('29000002 00000000'), tegra234)).toEqual({
      status: 'malformed',
      mrq: { id: 22, name: 'CLK' },
      command: { id: 2, name: 'SET_RATE' },
      fields: { clock: { id: 41, name: 'GPC0CLK' } },
      bytes: '2900000200000000',
      reason: 'CLK SET_RATE needs 16 bytes, got 8',
    });
    expect(decodeRequest(Mrq.CLK, bytes('2900')).reason).toBe('CLK needs 4 bytes for its command, got 2');
    expect(decodeRequest(Mrq.DEBUG, bytes('00000000 6162')).reason).toBe(
      'DEBUG OPEN_RO name has no NUL within its 2 bytes',
    );
    expect(decodeRequest(Mrq.I2C, bytes('01000000 05000000 6d000000')).reason).toBe(
      'I2C XFER data_size 109 is more than 108',
    );
  });
});

describe('decodeReply', () => {
  it('names what is answered', () => {
    const info = `03000000 5b000000 5b000000 66000000 ${'00000000'.repeat(14)} 02 ${Buffer.from('gpusys').toString('hex')}${'00'.repeat(34)}`;
    expect(decodeReply(Mrq.CLK, bytes('3001000e'), 0, bytes(info), tegra234).fields).toEqual({
      flags: ['HAS_MUX', 'HAS_SET_RATE'],
      parent: { id: 91, name: 'OSC' },
      parents: [
        { id: 91, name: 'OSC' },
        { id: 102, name: 'PLLP_OUT0' },
      ],
      name: 'gpusys',
    });
  });

  it('names a refusal and says what is wrong with a short reply', () => {
    expect(decodeReply(Mrq.CLK, bytes('30010001'), -22, bytes(''))).toMatchObject({
      status: 'ok',
      ret: -22,
      error: 'EINVAL',
      fields: {},
    });
    expect(decodeReply(Mrq.CLK, bytes('30010001'), 0, bytes('00000000'))).toMatchObject({
      status: 'malformed',
      reason: 'the reply to CLK GET_RATE needs 8 bytes, got 4',
    });
  });
});

describe('encodeRequest', () => {
  it('takes names and numbers', () => {
    const byName = { mrq: 'clk', command: 'set-parent', fields: { clock: 'gpc0clk', parent: 'OSC' } };
    const byNumber = { mrq: 22, command: 5, fields: { clock: 41, parent: { id: 91 } } };
    expect(encodeRequest(byName, tegra234)).toEqual({ mrq: 22, tx: bytes('29000005 5b000000') });
    expect(encodeRequest(byNumber)).toEqual({ mrq: 22, tx: bytes('29000005 5b000000') });
  });

  it.each([
    [{ mrq: 'CLOCK' }, 'unknown MRQ CLOCK'],
    [{ mrq: 'CLK' }, 'CLK needs a command'],
    [{ mrq: 'CLK', command: 'ENBLE' }, 'unknown command ENBLE of CLK: did you mean ENABLE?'],
    [
      { mrq: 'CLK', command: 'ENABLE', fields: { clock: 'GPUSY' } },
      'unknown clock GPUSY: did you mean GPUSYS?',
    ],
    [{ mrq: 'CLK', command: 'ENABLE', fields: { clock: 2 ** 24 } }, 'clock must be the name or number'],
    [{ mrq: 'CLK', command: 'SET_RATE', fields: { clock: 1 } }, 'rateHz must be given'],
    [
      { mrq: 'CLK', command: 'SET_RATE', fields: { clock: 1, rate: 1 } },
      'no field rate: did you mean rateHz?',
    ],
    [
      { mrq: 'PING', fields: { challenge: 2 ** 32 } },
      'challenge must be a whole number from 0 to 4294967295',
    ],
    [{ mrq: 'PING', bytes: 'xx' }, 'bytes must be pairs of hexadecimal digits'],
    [{ mrq: 'DEBUG', command: 'OPEN_RO', fields: { name: 'a'.repeat(116) } }, 'a text of at most 115 bytes'],
    [
      {
        mrq: 'BWMGR_INT',
        command: 2,
        fields: { client_id: 1, niso_bwKBps: 0, iso_bwKBps: 0, floor_unit: 0 },
      },
      'mc_floor',
    ],
  ])('refuses %j', (request, message) => {
    expect(() => encodeRequest(request, tegra234)).toThrow(
      expect.objectContaining({ code: 'GPUVM_REQUEST', message: expect.stringContaining(message) }),
    );
  });
});

describe('describe', () => {
  it.each([
    [Mrq.CLK, '30010007', 'CLK ENABLE GPUSYS (304)'],
    [Mrq.CLK, '30110007', 'CLK ENABLE #4400'],
    [Mrq.CLK, '29000002 00000000 006d7c4d00000000', 'CLK SET_RATE GPC0CLK 1.3 GHz'],
    [Mrq.PG, '01000000 23000000 01000000', 'PG SET_STATE GPU ON'],
    [Mrq.PING, '01000000', 'PING challenge=1'],
    [Mrq.QUERY_FW_TAG, '', 'QUERY_FW_TAG'],
    [
      Mrq.THERMAL,
      '02000000 00000000 78ecffff a0860100 01000000',
      'THERMAL SET_TRIP zone=0 low=-5 °C high=100 °C enabled=1',
    ],
    [12, '000000', 'MRQ 12 (unknown), 3 bytes'],
    [Mrq.RESET, '09000000 13000000', 'RESET command 9 (unknown), 8 bytes'],
    [Mrq.CLK, '29000002', 'CLK SET_RATE GPC0CLK (41) (malformed: needs 16 bytes, got 4)'],
  ])('%d %s is %s', (mrq, tx, line) => {
    expect(describeRequest(mrq, bytes(tx), tegra234)).toBe(line);
  });

  it('lets nothing of a guest’s through to the terminal', () => {
    const tx = new Uint8Array(120);
    tx.set(Buffer.from('\u001b]0;owned\u0007\n\u009b31m"\\', 'latin1'), 4);
    expect(describeRequest(Mrq.DEBUG, tx)).toBe('DEBUG OPEN_RO "\\x1b]0;owned\\x07\\n\\x9b31m\\"\\\\"');
    const triggers = new Uint8Array(120).fill(255);
    triggers.set([2, 0, 0, 0]);
    expect(describeRequest(Mrq.HWPM, triggers).length).toBeLessThanOrEqual(200);
  });
});
