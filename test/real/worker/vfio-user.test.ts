import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type BridgeEnded, startBridge } from '../../../src/bpmp/worker/index.js';
import { VfioUserClient } from '../../support/vfio-user-client.js';

const file = resolve(import.meta.dirname, '../../../examples/policies/gpu.yaml');
const folder = mkdtempSync(join(tmpdir(), 'gpuvm-worker-'));
afterAll(() => rmSync(folder, { recursive: true }));

const BAR0 = 0;
const WINDOW = 0xb00;

/** A write of a region as QEMU sends it: offset, region, count, bytes. */
function write(offset: number, bytes: Uint8Array): Buffer {
  const head = Buffer.alloc(16);
  head.writeBigUInt64LE(BigInt(WINDOW + offset), 0);
  head.writeUInt32LE(BAR0, 8);
  head.writeUInt32LE(bytes.length, 12);
  return Buffer.concat([head, bytes]);
}

const VERSION = Buffer.concat([Buffer.from([0, 0, 1, 0]), Buffer.from('{"capabilities":{}}\0')]);
const REGION_WRITE = 10;

describe('a bridge that keeps listening', () => {
  it('serves one guest after another, each with a ledger of its own', async () => {
    const socketPath = join(folder, 'bridge');
    const handle = await startBridge({
      vm: 'test',
      policy: { file, text: readFileSync(file, 'utf8') },
      backend: { kind: 'simulated' },
      bridge: { kind: 'vfio-user', socketPath, layout: 'trapped', keepListening: true },
    });
    expect(handle.ready.window).toEqual({ layout: 'trapped', guestAddress: 0x10800b00n });
    const gone: BridgeEnded[] = [];
    handle.on('guest-ended', (ended) => gone.push(ended));
    for (let guest = 1; guest <= 2; guest++) {
      const client = new VfioUserClient(socketPath);
      await client.request(1, VERSION);
      // CLK ENABLE GPUSYS: payload, tx size, then the MRQ number, which starts the transfer.
      await client.request(REGION_WRITE, write(0, Buffer.from('30010007', 'hex')));
      await client.request(REGION_WRITE, write(0x400, Buffer.from('0400000000000000', 'hex')));
      await client.request(REGION_WRITE, write(0x500, Buffer.from('16000000', 'hex')));
      expect((await handle.snapshot()).holdings).toEqual([
        { resource: 'clock GPUSYS', before: 'off', now: 'on' },
      ]);
      client.close();
      await expect.poll(() => gone.length).toBe(guest);
    }
    for (const { end, release, snapshot } of gone) {
      expect(end).toEqual({ reason: 'guest-gone' });
      expect(release).toMatchObject({ givenBack: 1, failed: 0 });
      expect(snapshot.totals.allow).toBe(1);
    }
    expect((await handle.close()).end).toEqual({ reason: 'closed' });
  });
});
