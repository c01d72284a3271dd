import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Aspect } from '../../../src/bpmp/mediator/aspects.js';
import { LedgerFile } from '../../../src/bpmp/worker/ledger-file.js';
import { bootId } from '../../../src/bpmp/worker/process-id.js';
import { leftHoldings, recoverHoldings } from '../../../src/bpmp/worker/recover.js';
import { holdingLines } from '../../../src/cli/holdings.js';

const policy = { file: 'kite.yaml', text: 'version: 1\nchip: tegra234\nresets: { PWM1: use }' };
const OTHER_BOOT = '00000000-0000-4000-8000-000000000000';

describe('a ledger on a disk, after the machine was booted', () => {
  let folder: string;
  let path: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'gpuvm-ledgers-'));
    path = join(folder, 'kite', 'ledger');
    // A device that is not there: whoever sends something to it, or only opens it, is told so.
    const backend = { kind: 'host-device' as const, path: join(folder, 'bpmp-host') };
    const file = LedgerFile.create(path, { vm: 'kite', backend, policy });
    file.records.hold({ aspect: Aspect.RESET, id: 19, before: 0, now: 1, shared: false });
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  const rename = (boot: string) => {
    const text = readFileSync(path, 'latin1');
    writeFileSync(path, text.replace(bootId()!, boot), 'latin1');
  };

  it('is removed, and nothing is sent to a BPMP that was reset with the rest', async () => {
    rename(OTHER_BOOT);
    expect(await leftHoldings(folder)).toEqual([]);
    const recovered = await recoverHoldings(folder);
    expect(recovered).toEqual([
      {
        vm: 'kite',
        file: path,
        release: { entries: [], givenBack: 0, kept: 0, failed: 0 },
        rebooted: true,
      },
    ]);
    expect(holdingLines(recovered[0]!)).toEqual([
      'kite: what its guest held of the BPMP: gone with the boot, which reset the BPMP',
    ]);
    expect(existsSync(path)).toBe(false);
    expect(await recoverHoldings(folder)).toEqual([]);
  });

  it('is nobody’s, even if a process has the number and the start time of its owner', () => {
    expect(LedgerFile.open(path)!.isOfEarlierBoot).toBe(false);
    rename(OTHER_BOOT);
    const file = LedgerFile.open(path)!;
    file.takeOver();
    file.setGuest(process.ppid);
    expect(file.isOfEarlierBoot).toBe(true);
    expect(file.user()).toBeUndefined();
  });

  it('of this boot is given back, so that the device is asked for', async () => {
    expect(await leftHoldings(folder)).toMatchObject([{ vm: 'kite', count: 1 }]);
    LedgerFile.open(path)!.setGuest(0);
    const [recovered] = await recoverHoldings(folder);
    expect(recovered).toMatchObject({ vm: 'kite' });
    expect(recovered!.problem).toContain(join(folder, 'bpmp-host'));
    expect(existsSync(path)).toBe(true);
  });
});
