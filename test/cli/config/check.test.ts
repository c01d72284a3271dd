import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { run } from '../../../src/cli/config/check.js';
import { world } from '../world.js';

const folder = mkdtempSync(join(tmpdir(), 'gpuvm-config-check-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function check(text: string, { json = false, files = false } = {}) {
  const file = join(folder, 'vm.yaml');
  writeFileSync(file, text);
  const surroundings = world('', { json });
  const status = await run({ args: [file], options: files ? { files } : {} }, surroundings.context);
  return { status, file, stdout: surroundings.stdout };
}

const good = `name: kite
machine: virt
smp: 2
memory: 1536M
disks: [{ file: none.img }]
nets: [{ kind: user }, { kind: user }]
platformDevices: [{ host: 17000000.gpu }]
bridge: { kind: interposed }
policy: policy.yaml
`;

describe('gpuvm config check', () => {
  it('says in a line what the VM is', async () => {
    const { status, file, stdout } = await check(good);
    expect(status).toBe(0);
    expect(stdout).toEqual([
      `${file}: ok`,
      '  kite: virt, 2 CPUs, 1536 MiB, 1 platform device, 1 disk, 2 networks, bridge interposed',
    ]);
  });

  it('prints JSON', async () => {
    const { file, stdout } = await check(good, { json: true });
    expect(JSON.parse(stdout.join(''))).toEqual({ ok: true, file, name: 'kite', files: 'not checked' });
  });

  it('refuses a file with its mistakes, each with its place', async () => {
    await expect(check('name: kite\nmachine: virt\nsmp: none\nmemory: 2\n')).rejects.toMatchObject({
      code: 'GPUVM_CONFIG',
      exitStatus: 78,
      details: {
        mistakes: [expect.stringMatching(/vm\.yaml:3:6: smp /), expect.stringMatching(/:4:9: memory /)],
      },
    });
  });

  it('looks at the files where it is asked to', async () => {
    await expect(check(good, { files: true })).rejects.toMatchObject({
      details: {
        mistakes: [expect.stringContaining('none.img is not there'), expect.stringContaining('policy')],
      },
    });
    writeFileSync(join(folder, 'none.img'), '');
    writeFileSync(join(folder, 'policy.yaml'), 'version: 1\nchip: tegra234\nclocks: { GPUSIS: use }\n');
    await expect(check(good, { files: true })).rejects.toMatchObject({ code: 'GPUVM_POLICY' });
    writeFileSync(join(folder, 'policy.yaml'), 'version: 1\nchip: tegra234\n');
    expect((await check(good, { files: true })).status).toBe(0);
  });
});
