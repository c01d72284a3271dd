import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { GpuvmProcess } from './gpuvm-process.js';
import { hasProgram } from './programs.js';

const qemu = 'qemu-system-x86_64';
const preload = fileURLToPath(new URL('../../build/Release/gpuvm-standin-preload.so', import.meta.url));
const hasPreload = existsSync(preload);
if (!hasPreload) console.warn(`SKIPPED: needs ${preload}; run "npm run build:addon"`);

/** In a real QEMU 7.2 a thread opens the host device and writes to it, as a build for Orin does. */
describe.skipIf(!hasProgram(qemu) || !hasPreload)('gpuvm run with the interposed bridge', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gpuvm-interposed-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('decides what a patched QEMU asks, and ends with the VM', async () => {
    const tally = join(folder, 'tally.json');
    const binary = join(folder, 'patched-qemu');
    writeFileSync(
      binary,
      `#!/bin/sh
GPUVM_STANDIN_REPORT='${tally}' GPUVM_STANDIN_COUNT=60 LD_PRELOAD='${preload}' exec ${qemu} "$@"
`,
      { mode: 0o755 },
    );
    writeFileSync(join(folder, 'policy.yaml'), 'version: 1\nchip: tegra234\nclocks: { GPUSYS: use }\n');
    const file = join(folder, 'vm.yaml');
    writeFileSync(
      file,
      `name: patched
qemu: { binary: ./patched-qemu }
machine: none
bridge: { kind: interposed }
policy: policy.yaml
stop: { powerdown: 0s }
`,
    );
    const vm = new GpuvmProcess('run', file, '--watch', '--json', '--verbose');
    try {
      await vm.waitFor('stderr', 'deny');
      await expect
        .poll(() => existsSync(tally) && readFileSync(tally, 'utf8'), { timeout: 20_000 })
        .toContain('}');
      await vm.waitFor('stderr', 'state: running');
      vm.child.kill('SIGINT');
      expect(await vm.ended).toBe(5);
    } finally {
      vm.child.kill('SIGKILL');
    }
    // Its requests have command 0, which no policy can allow: each is answered -EPERM and none is lost.
    expect(JSON.parse(readFileSync(tally, 'utf8'))).toMatchObject({ transfers: 60 });
    const report = JSON.parse(vm.stdout) as Record<string, unknown>;
    expect(report).toMatchObject({
      ending: 'stopped',
      rung: 'quit',
      totals: { allow: 0, deny: 60, absorb: 0, malformed: 0 },
      release: { entries: [] },
    });
    expect(report.requests).toEqual([
      { request: expect.stringContaining('CLK'), verdict: 'deny', ret: -1, count: 60 },
    ]);
  });
});
