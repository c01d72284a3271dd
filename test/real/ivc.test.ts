import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { DEFAULT_WINDOW_ADDRESS, IvcBridge, type Layout } from '../../src/bpmp/bridge/vfio-user/index.js';
import { EchoHandler } from '../bpmp/bridge/vfio-user/served.js';
import { canProbe, ProbeGuest, type ProbeResult, ProbeScript } from '../support/window-probe.js';

const able = canProbe();
const guest = able ? new ProbeGuest() : undefined;
afterAll(() => guest?.remove());

const script = () => new ProbeScript(DEFAULT_WINDOW_ADDRESS);

async function run(list: ProbeScript, layout: Layout, prepare?: (handler: EchoHandler) => void) {
  const sockets = { hsp: join(guest!.folder, 'hsp'), sram: join(guest!.folder, 'sram') };
  const handler = new EchoHandler();
  prepare?.(handler);
  const bridge = new IvcBridge({ sockets, layout, handler, deadlineMs: 1000 });
  onTestFinished(() => bridge.close());
  await bridge.listening;
  const end = bridge.serve();
  const results = await guest!.run(list, sockets);
  return { results, handler, end: await end, stats: bridge.stats() };
}

/** What the guest prints for a request that was inverted; beyond the request's struct an answer is zeros. */
function inverted(tx: Uint8Array): ProbeResult {
  const rx = Buffer.from(tx.map((byte) => ~byte)).toString('hex');
  return { kind: 'transfer', ret: 0, rxSize: BigInt(tx.length), rx };
}

describe.skipIf(!able).each(['trapped', 'shared'] as const)('a guest of a real QEMU, layout %s', (layout) => {
  it('shakes hands, asks on each channel, and is told by the interrupt', async () => {
    const list = script().ivcBoot();
    const requests = Array.from({ length: 60 }, (_, i) => randomBytes([8, 16, 64, 120][i % 4]!));
    for (const [i, tx] of requests.entries()) list.ivcTransfer({ channel: i % 4, mrq: 1000 + i, tx });
    const { results, handler, stats, end } = await run(list, layout);
    expect(results).toEqual(requests.map(inverted));
    expect(handler.seen.map(({ mrq, room }) => [mrq, room])).toEqual(requests.map((_, i) => [1000 + i, 120]));
    expect(stats).toMatchObject({ transfers: 60, handshakes: 5, channelResets: 0 });
    // No interrupt finds nothing: ENABLE is read once, PENDING for each answer and perhaps for the last handshake.
    expect(stats.hspReads).toBeLessThanOrEqual(1 + 60 + 1);
    if (layout === 'shared') expect([stats.sramReads, stats.sramWrites]).toEqual([0, 0]);
    expect(end).toEqual({ reason: 'guest-gone' });
  });

  it('waits for an answer that takes its time, without holding its CPU, and no longer than the deadline', async () => {
    const tx = randomBytes(8);
    const { results, stats } = await run(
      script()
        .ivcBoot()
        .ivcTransfer({ channel: 0, mrq: 1000, tx })
        .ivcTransfer({ channel: 1, mrq: 1002, tx })
        .ivcTransfer({ channel: 1, mrq: 1001, tx }),
      layout,
      (handler) => {
        const { answer } = handler;
        handler.answer = async (mrq, request, rx) => {
          const kept = request.slice();
          await sleep(mrq === 1002 ? 1500 : 50);
          return answer(mrq, kept, rx);
        };
      },
    );
    const late = { kind: 'transfer', ret: -23, rxSize: 8n, rx: '0000000000000000' };
    expect(results).toEqual([inverted(tx), late, inverted(tx)]);
    expect(stats.late).toBe(1);
  });

  it('begins anew after a reset', async () => {
    const tx = randomBytes(8);
    const request = { channel: 2, mrq: 1000, tx };
    const list = script().ivcBoot().ivcTransfer(request).reset().ivcBoot().ivcTransfer(request);
    const { results, stats } = await run(list, layout);
    // The list runs from its start again, past the reset.
    const answer = inverted(tx);
    expect(results).toEqual([answer, { kind: 'reset' }, answer, answer]);
    expect(stats).toMatchObject({ channelResets: 0, handshakes: 15 });
  });
});
