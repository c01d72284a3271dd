import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { run } from '../../src/cli/policy-check.js';
import { world } from './world.js';

const folder = mkdtempSync(join(tmpdir(), 'gpuvm-policy-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function check(text: string, json = false) {
  const file = join(folder, 'policy.yaml');
  writeFileSync(file, text);
  const surroundings = world('', { json });
  const status = await run({ args: [file], options: {} }, surroundings.context);
  return { status, file, stdout: surroundings.stdout };
}

const good = 'version: 1\nchip: tegra234\nclocks:\n  GPUSYS: use\nresets:\n  GPU: use\n';

describe('gpuvm policy check', () => {
  it('says what a policy grants', async () => {
    const { status, file, stdout } = await check(good);
    expect(status).toBe(0);
    expect(stdout[0]).toBe(`${file}: ok`);
    expect(stdout).toContain('  clocks: GPUSYS');
    expect(stdout).toContain('  resets: GPU');
    expect(stdout).toContain('  power domains: none');
  });

  it('prints JSON', async () => {
    const { stdout } = await check(good, true);
    expect(JSON.parse(stdout.join(''))).toMatchObject({
      ok: true,
      chip: 'tegra234',
      granted: { clocks: ['GPUSYS'] },
    });
  });

  it('refuses a policy with its mistakes, one line each', async () => {
    await expect(
      check('version: 1\nchip: tegra234\nclocks:\n  GPUSIS: use\n  VIC: usee\n'),
    ).rejects.toMatchObject({
      code: 'GPUVM_POLICY',
      exitStatus: 78,
      details: {
        mistakes: [
          expect.stringMatching(/policy\.yaml:4:3: .*GPUSYS/),
          expect.stringMatching(/policy\.yaml:5:\d+: .*use/),
        ],
      },
    });
  });
});
