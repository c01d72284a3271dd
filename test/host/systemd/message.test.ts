import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cleanStatus } from '../../../src/host/systemd/index.js';
import { datagramsOf } from '../../../src/host/systemd/message.js';

const texts = (notification: Parameters<typeof datagramsOf>[0]) =>
  datagramsOf(notification).map(({ text }) => text);

describe('a notification', () => {
  it.each([
    [{}, []],
    [{ ready: false, watchdog: false }, []],
    [{ stopping: true, errno: 12 }, ['STOPPING=1\nERRNO=12']],
    [{ watchdog: 'trigger' as const, mainPid: 7 }, ['WATCHDOG=trigger\nMAINPID=7']],
    [{ extendTimeoutMs: 0 }, ['EXTEND_TIMEOUT_USEC=1']],
    [{ status: '' }, ['STATUS=']],
  ])('%o is said in the words of sd_notify', (notification, expected) => {
    expect(texts(notification)).toEqual(expected);
  });

  it('of a reload has the time, as systemd wants it', () => {
    const [text] = texts({ reloading: true, status: 'reads its file' });
    expect(text).toMatch(/^RELOADING=1\nMONOTONIC_USEC=\d+\nSTATUS=reads its file$/);
  });
});

describe('a status', () => {
  it('is one short printable line, whatever it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 600 }), (text) => {
        const clean = cleanStatus(text);
        expect(clean).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
        expect([...clean].length).toBeLessThanOrEqual(250);
        expect(cleanStatus(clean)).toBe(clean);
      }),
    );
  });

  it('cannot say more than a status', () => {
    expect(texts({ status: 'fine\nREADY=1\0\u2028STOPPING=1' })).toEqual(['STATUS=fine READY=1 STOPPING=1']);
  });

  it('keeps to its length and does not cut a character', () => {
    expect([...cleanStatus('🙂'.repeat(300))].length).toBe(250);
    expect(cleanStatus('🙂'.repeat(300)).endsWith('🙂…')).toBe(true);
  });
});
