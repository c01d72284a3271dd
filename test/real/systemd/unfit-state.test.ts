import { closeSync, openSync, readdirSync, readlinkSync, readSync, writeSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canProbe, ProbeGuest } from '../../support/window-probe.js';
import { askedIn, askingVm } from './asking-guest.js';
import { SystemdContainer } from './container.js';
import { VmService } from './service.js';

const missing = SystemdContainer.missing();
if (missing) console.warn(`SKIPPED: needs ${missing}`);
const able = missing === undefined && canProbe();

/** What another version of gpuvm would have left: systemd's store is opened from outside, and its files are changed. */
describe.skipIf(!able)('a VM whose state in the store does not fit', () => {
  let container: SystemdContainer;
  let guest: ProbeGuest | undefined;
  beforeAll(async () => {
    container = await SystemdContainer.start();
    guest = new ProbeGuest();
  });
  afterAll(async () => {
    await container?.stop();
    guest?.remove();
  });

  /** A file of memory in systemd's hands, opened for writing. */
  function stored(name: string): number {
    const folder = `/proc/${container.pid}/fd`;
    const found = readdirSync(folder).find((fd) =>
      readlinkSync(`${folder}/${fd}`).startsWith(`/memfd:${name}`),
    );
    if (found === undefined) throw new Error(`the store has no ${name}`);
    return openSync(`${folder}/${found}`, 'r+');
  }

  function change(name: string, act: (text: Buffer) => number): void {
    const fd = stored(name);
    try {
      const text = Buffer.alloc(4096);
      const at = act(text.subarray(0, readSync(fd, text, 0, text.length, 0)));
      writeSync(fd, text, at, 4, at);
    } finally {
      closeSync(fd);
    }
  }

  it.each([
    [
      'unfit-vm',
      'vm-state',
      (text: Buffer) => {
        const at = text.indexOf('"version":1');
        return text.write('9', at + 10) && at + 10;
      },
      "the running unfit-vm cannot be taken over: its state is of version 9, and this gpuvm's is 1",
    ],
    [
      'unfit-bridge',
      'gpuvm-state',
      (text: Buffer) => text.writeInt32LE(99, 4) && 4,
      'the running guest cannot be taken over: its state memory is of version 99, and',
    ],
  ])('is ended, and started afresh: %s', async (name, file, act, line) => {
    const restart = 'restart: { policy: always }\n';
    const service = await VmService.install(
      container,
      name,
      askingVm(guest!, container.share, 'shared') + restart,
    );
    expect(await service.systemctl('start')).toMatchObject({ status: 0 });
    await expect
      .poll(async () => askedIn(await service.journal()).length, { timeout: 30_000 })
      .toBeGreaterThan(1);
    const [before] = await service.qemus();
    change(file, act);
    await service.systemctl('kill', '--signal=KILL', '--kill-whom=main');
    await service.until('NRestarts', '2');
    await service.until('ActiveState', 'active');
    const journal = await service.journal();
    expect(journal.split('\n').filter((said) => said.includes('cannot be taken over'))).toEqual([
      expect.stringContaining(line),
    ]);
    expect(journal).toContain('Main process exited, code=exited, status=75');
    const after = await service.qemus();
    expect(after).toHaveLength(1);
    expect(after).not.toContain(before);
    // The fresh guest has begun from its start, with a BPMP from power-on.
    await expect
      .poll(async () => askedIn(await service.journal()).filter(({ asked }) => asked === 16).length, {
        timeout: 30_000,
      })
      .toBe(2);
    await service.systemctl('stop');
    expect(await service.show('ActiveState', 'Result', 'NFileDescriptorStore')).toEqual({
      ActiveState: 'inactive',
      Result: 'success',
      NFileDescriptorStore: '0',
    });
  });
});
