import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeHostMessage,
  decodeWindowReply,
  decodeWindowRequest,
  encodeHostMessage,
  encodeWindowReply,
  encodeWindowRequest,
  WINDOW,
} from '../../../src/bpmp/wire/index.js';

const u64 = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn });
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const s32 = fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff });

describe('the host message', () => {
  it('survives encoding and decoding at full width', () => {
    const message = fc.record({ mrq: u32, txData: u64, txSize: u64, rxData: u64, rxSize: u64, ret: s32 });
    fc.assert(
      fc.property(message, (given) => {
        const bytes = encodeHostMessage(given);
        expect(bytes.length).toBe(48);
        expect(decodeHostMessage(bytes)).toEqual(given);
      }),
    );
  });

  it('has its fields where the driver has them', () => {
    const bytes = encodeHostMessage({
      mrq: 22,
      txData: 0x1122_3344_5566_7788n,
      txSize: 16n,
      rxData: 0x99n,
      rxSize: 512n,
      ret: -22,
    });
    expect(Buffer.from(bytes).toString('hex')).toBe(
      `16000000${'00000000'}8877665544332211${'1000000000000000'}9900000000000000${'0002000000000000'}eaffffff${'00000000'}`,
    );
  });

  it('is 48 bytes or nothing', () => {
    expect(decodeHostMessage(new Uint8Array(47))).toBeUndefined();
    expect(decodeHostMessage(new Uint8Array(49))).toBeUndefined();
  });
});

describe('the window', () => {
  it('carries a request and its reply', () => {
    fc.assert(
      fc.property(
        u32,
        fc.uint8Array({ maxLength: 512 }),
        fc.uint8Array({ maxLength: 512 }),
        s32,
        (mrq, tx, rx, ret) => {
          const window = encodeWindowRequest(mrq, tx, 512);
          const request = decodeWindowRequest(window);
          expect([request.mrq, request.txSize, request.rxSize]).toEqual([mrq, BigInt(tx.length), 512n]);
          expect(request.tx).toEqual(tx);
          encodeWindowReply(window, ret, rx);
          expect(decodeWindowReply(window)).toEqual({ ret, rxSize: BigInt(rx.length), rx });
        },
      ),
    );
  });

  it('takes no size for granted', () => {
    const window = encodeWindowRequest(22, new Uint8Array(4), 8);
    const view = new DataView(window.buffer);
    for (const size of [513n, 0xffff_ffffn, 0x1_0000_0004n, 0xffff_ffff_ffff_ffffn]) {
      view.setBigUint64(WINDOW.TX_SIZE, size, true);
      expect(decodeWindowRequest(window)).toMatchObject({ txSize: size, tx: undefined });
    }
  });

  it('leaves nothing of an earlier reply behind a shorter one', () => {
    const window = encodeWindowRequest(22, new Uint8Array(4), 8);
    encodeWindowReply(window, 0, new Uint8Array(512).fill(0xaa));
    encodeWindowReply(window, 0, Uint8Array.of(1));
    expect([...window.subarray(WINDOW.RX, WINDOW.RX + 512)].reduce((sum, byte) => sum + byte)).toBe(1);
  });

  it('is 0x600 bytes or an error', () => {
    expect(() => decodeWindowRequest(new Uint8Array(0x5ff))).toThrow('1536 bytes');
    expect(() => encodeWindowRequest(22, new Uint8Array(513), 8)).toThrow('at most 512');
  });
});
