import { closeSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { BackendConfig } from '../../src/bpmp/backend/index.js';
import { Aspect } from '../../src/bpmp/mediator/aspects.js';
import { LedgerFile } from '../../src/bpmp/worker/ledger-file.js';
import { run } from '../../src/cli/recover.js';
import { addon } from '../../src/native/index.js';
import { world } from './world.js';

describe('gpuvm recover', () => {
  let folder: string;
  let ledger: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'gpuvm-recover-'));
    vi.stubEnv('GPUVM_RUNTIME_DIR', folder);
    ledger = join(folder, 'ledgers/kite/ledger');
    const { records } = LedgerFile.create(ledger, {
      vm: 'kite',
      backend: { kind: 'simulated' } as BackendConfig,
      policy: { file: 'kite.yaml', text: 'version: 1\nchip: tegra234\nresets: { GPU: use }' },
    });
    records.hold({ aspect: Aspect.RESET, id: 19, before: 0, now: 1, shared: false });
  });

  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  });

  async function recover(options: Record<string, unknown>, json = false) {
    const here = world('', { json });
    const status = await run(
      { args: [], options: { stateDir: join(folder, 'state'), ...options } },
      here.context,
    );
    return { status, stdout: here.stdout, stderr: here.stderr };
  }

  it('says what a guest left changed, and leaves it, where it is a dry run', async () => {
    expect(await recover({ dryRun: true })).toEqual({
      status: 0,
      stdout: ['kite: what its guest held of the BPMP: 1 change would be given back'],
      stderr: [],
    });
    const { stdout } = await recover({ dryRun: true }, true);
    expect(JSON.parse(stdout.join(''))).toMatchObject({
      dryRun: true,
      ok: true,
      holdings: [{ vm: 'kite', file: ledger, count: 1 }],
    });
    expect((await recover({ dryRun: true, vm: 'other' })).stdout).toEqual([]);
    expect(existsSync(ledger)).toBe(true);
  });

  it('gives it back', async () => {
    const { status, stdout } = await recover({});
    expect(status).toBe(0);
    expect(stdout[0]).toBe('kite: what its guest held of the BPMP: 1 given back, 0 kept, 0 failed');
    expect(existsSync(ledger)).toBe(false);
    expect((await recover({})).stderr).toEqual(['gpuvm: there is nothing to recover from']);
  });

  it('takes away the sockets of dead supervisors, and no other', async () => {
    const [dead, alive] = [join(folder, 'kite.sock'), join(folder, 'lark.sock')];
    closeSync(addon().unixListen(dead, 0o600));
    const listener = addon().unixListen(alive, 0o600);
    try {
      expect((await recover({ vm: 'lark' })).stderr).toEqual(['gpuvm: there is nothing to recover from']);
      expect((await recover({ dryRun: true })).stdout).toHaveLength(1);
      expect([dead, alive].map((path) => existsSync(path))).toEqual([true, true]);
      expect((await recover({})).stdout.at(-1)).toBe(`removed: ${dead}, which a supervisor left behind`);
      expect([dead, alive].map((path) => existsSync(path))).toEqual([false, true]);
    } finally {
      closeSync(listener);
    }
  });
});
