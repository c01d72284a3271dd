import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { DEFAULT_WINDOW_ADDRESS } from '../../src/bpmp/bridge/vfio-user/index.js';
import { canProbe, ProbeGuest, ProbeScript } from '../support/window-probe.js';
import { closeKeepers, Keeper } from './handover/keeper.js';

const able = canProbe();
const guest = able ? new ProbeGuest() : undefined;
afterAll(() => guest?.remove());
afterEach(closeKeepers);

const policy = { file: 'test.yaml', text: 'version: 1\nlimit: none\nclocks: {GPUSYS: use}\n' };
const TRANSFERS = 1500;
const PING = 0;
const CLK = 22;

/** CLK ENABLE GPUSYS, to be given back once at the end; then pings, each with another challenge. */
function script(): ProbeScript {
  const list = new ProbeScript(DEFAULT_WINDOW_ADDRESS);
  list.transfer({ mrq: CLK, tx: Buffer.from('30010007', 'hex') });
  for (let i = 1; i <= TRANSFERS; i++) {
    const tx = Buffer.alloc(4);
    tx.writeUInt32LE(i);
    list.transfer({ mrq: PING, tx });
  }
  return list;
}

function doubled(i: number): string {
  const rx = Buffer.alloc(4);
  rx.writeUInt32LE(2 * i);
  return rx.toString('hex');
}

describe.skipIf(!able).each(['trapped', 'shared'] as const)(
  'a guest of a real QEMU (%s) whose supervisor is killed and handed over',
  (layout) => {
    it('gets every answer, in order, and goes on until its own end', { timeout: 180_000 }, async () => {
      const socketPath = join((guest as ProbeGuest).folder, `handover-${layout}`);
      const keeper = new Keeper({
        vm: layout,
        policy,
        backend: { kind: 'simulated' },
        bridge: { kind: 'vfio-user', socketPath, layout },
        ledgerFile: join((guest as ProbeGuest).folder, `ledger-${layout}`),
      });
      await keeper.start();
      let isOver = false;
      const running = (guest as ProbeGuest).run(script(), socketPath).finally(() => {
        isOver = true;
      });
      await expect.poll(() => keeper.names, { timeout: 60_000 }).toContain('window.connection.1');
      let changes = 0;
      for (; !isOver && changes < 8; changes++) {
        await wait(100 + Math.random() * 150);
        if (changes % 4 === 3) {
          await keeper.handOver();
          await keeper.start();
        } else await keeper.torment(1);
      }
      const results = await running;
      const ended = await keeper.ended();
      keeper.close();
      expect(changes).toBeGreaterThan(3);
      expect(results.slice(1)).toEqual(
        Array.from({ length: TRANSFERS }, (_, i) => ({
          kind: 'transfer',
          ret: 0,
          rxSize: 4n,
          rx: doubled(i + 1),
        })),
      );
      expect(ended.end).toEqual({ reason: 'guest-gone' });
      expect(ended.release.entries).toEqual([
        { resource: 'clock GPUSYS', from: 'on', to: 'off', result: 'given-back' },
      ]);
    });
  },
);
