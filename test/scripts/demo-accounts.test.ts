import { describe, expect, it } from 'vitest';
import {
  compare,
  type GuestStep,
  type HostTransfer,
  readConsole,
  readEvents,
  render,
} from '../../scripts/lib/demo-accounts.js';

const verdictOf = (step: number): string => {
  if (step === 11) return 'absorb';
  if (step === 14 || step === 15) return 'malformed';
  return [12, 13, 16].includes(step) ? 'deny' : 'allow';
};
const retOf: Record<string, number> = { allow: 0, absorb: 0, deny: -1, malformed: -22 };

function guestStep(step: number): GuestStep {
  const ret = retOf[verdictOf(step)]!;
  const size = step === 15 ? 0xffffffff : 4;
  return {
    step,
    name: `S${step}`,
    mrq: 22,
    size,
    tx: `0${step % 10}000000`,
    ret,
    rxSize: 0,
    rx: '',
    expected: true,
  };
}

function hostTransfer(step: number): HostTransfer {
  const { mrq, tx, ret, rx } = guestStep(step);
  return { mrq, tx, ret, rx, verdict: verdictOf(step), text: `CLK ${step}`, rule: 'gpu.yaml:1' };
}

const steps = Array.from({ length: 17 }, (_, i) => i + 1);
const guest = steps.map(guestStep);
const transfers = steps.map(hostTransfer);
const release = [
  'reset GPU',
  'clock rate GPC0CLK',
  'clock GPC1CLK',
  'clock GPC0CLK',
  'clock GPUSYS',
  'power domain GPU',
].map((resource) => ({ resource, from: 'on', to: 'off', result: 'given-back' }));

describe("the demo's accounts", () => {
  it('agree where both tell the same', () => {
    const comparison = compare(guest, { transfers, release });
    expect(comparison.faults).toEqual([]);
    expect(render(comparison)).toContain('17 requests: both accounts agree');
  });

  it('disagree on a return code', () => {
    const other = transfers.with(4, { ...transfers[4]!, ret: -1 });
    expect(compare(guest, { transfers: other, release }).faults).toEqual([
      'request 5: the guest got 0, the host answered -1',
    ]);
  });

  it('disagree where one does not know of a request', () => {
    expect(compare(guest.slice(0, 16), { transfers, release }).faults).toEqual([
      'request 17: the guest does not know of it',
    ]);
    expect(compare(guest, { transfers: transfers.slice(0, 16), release }).faults).toEqual([
      'request 17: the host does not know of it',
    ]);
  });

  it('tell of a request that got through and should not have', () => {
    const other = transfers.with(15, { ...transfers[15]!, verdict: 'allow' });
    expect(compare(guest, { transfers: other, release }).faults).toEqual([
      "request 16: the host's verdict is allow, not deny",
    ]);
  });

  it('tell of what was not given back', () => {
    expect(compare(guest, { transfers, release: release.slice(1) }).faults).toHaveLength(1);
    expect(compare(guest, { transfers, release: undefined }).faults).toHaveLength(1);
    const failed = release.with(0, { ...release[0]!, result: 'failed' });
    expect(compare(guest, { transfers, release: failed }).faults).toEqual(['reset GPU: failed']);
  });

  it('are nothing where the guest never ran', () => {
    expect(compare([], { transfers: [], release: undefined }).faults).toHaveLength(18);
  });

  it("are read from the guest's console among other lines", () => {
    const line = `gpuvm-demo: ${JSON.stringify(guest[0])}`;
    expect(readConsole(`boot\r\n[ 1.0] ${line}\r\ngpuvm-demo: {"steps":17}\r\n`)).toEqual([guest[0]]);
  });

  it('are read from the lines of events', () => {
    const text = `${JSON.stringify({ event: 'transfer', ...transfers[0] })}\n${JSON.stringify({ event: 'other' })}\n${JSON.stringify({ event: 'release', entries: release })}\n`;
    const account = readEvents(text);
    expect(account.transfers).toHaveLength(1);
    expect(account.release).toEqual(release);
  });
});
