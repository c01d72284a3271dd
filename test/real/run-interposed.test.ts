import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
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

  const isRoot = process.geteuid?.() === 0;
  if (!isRoot) console.warn('SKIPPED: only root can run QEMU under another account');

  it.skipIf(!isRoot)(
    "runs QEMU under an account of its own, for which only the bridge's way is open",
    async () => {
      const place = mkdtempSync(join(tmpdir(), 'gpuvm-account-'));
      try {
        chmodSync(place, 0o777);
        // All that this account may need to read, where it may.
        const own = join(place, 'preload.so');
        copyFileSync(preload, own);
        const device = join(place, 'bpmp-host');
        spawnSync('mknod', [device, 'c', '1', '3']);
        chmodSync(device, 0o666);
        const binary = join(place, 'patched-qemu');
        writeFileSync(
          binary,
          `#!/bin/sh
id > '${place}/id'
(echo x > '${device}') 2> '${place}/reach'
GPUVM_STANDIN_REPORT='${place}/tally' GPUVM_STANDIN_COUNT=20 LD_PRELOAD='${own}' exec ${qemu} "$@"
`,
          { mode: 0o755 },
        );
        writeFileSync(join(place, 'policy.yaml'), 'version: 1\nchip: tegra234\nclocks: { GPUSYS: use }\n');
        const file = join(place, 'vm.yaml');
        const write = (path: string) =>
          writeFileSync(
            file,
            `name: account
qemu: { binary: ./patched-qemu, user: nobody }
machine: none
bridge: { kind: interposed, device: ${path} }
policy: policy.yaml
stop: { powerdown: 0s }
`,
          );
        // The device's usual path, which the stand-in opens, and a node that anybody might open.
        for (const path of ['/dev/bpmp-host', device]) {
          write(path);
          const vm = new GpuvmProcess('run', file, '--json', '--verbose');
          try {
            await vm.waitFor('stderr', 'state: running');
            if (path !== device) {
              await expect
                .poll(() => existsSync(join(place, 'tally')) && readFileSync(join(place, 'tally'), 'utf8'), {
                  timeout: 20_000,
                })
                .toContain('}');
            }
            vm.child.kill('SIGINT');
            expect(await vm.ended).toBe(5);
          } finally {
            vm.child.kill('SIGKILL');
          }
          const { totals } = JSON.parse(vm.stdout) as { totals: unknown };
          expect(totals).toMatchObject({ deny: path === device ? 0 : 20 });
        }
        expect(readFileSync(join(place, 'id'), 'utf8')).toMatch(
          /^uid=65534\(nobody\) gid=65534\(nogroup\) groups=65534/,
        );
        expect(readFileSync(join(place, 'reach'), 'utf8')).toContain('Permission denied');
      } finally {
        rmSync(place, { recursive: true });
      }
    },
  );
});
