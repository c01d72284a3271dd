/**
 * cache-code.mjs [PROGRAM]
 *
 * Has this Node compile the bundled commands once, by running them, and keeps the result beside them (scripts/lib/launch.cjs).
 * Part of the build, and of the package's installation, where it is this machine's Node that counts. Without it all works,
 * only slower to start.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const program = process.argv[2] ?? fileURLToPath(new URL('../dist/cli/main.cjs', import.meta.url));
if (!existsSync(program)) process.exit(0);

// A VM whose QEMU ends at once: all that starts a VM has run by then.
const folder = mkdtempSync(join(tmpdir(), 'gpuvm-code-'));
const policy = join(folder, 'policy.yaml');
const vm = join(folder, 'vm.yaml');
writeFileSync(policy, 'clocks: { GPUSYS: use }\n');
writeFileSync(
  vm,
  `name: compiled
qemu: { binary: /bin/false }
machine: none
bridge: { kind: interposed }
policy: ${policy}
`,
);
spawnSync(process.execPath, [program, 'run', vm, '--json'], {
  env: { ...process.env, GPUVM_CACHE_CODE: '1', GPUVM_RUNTIME_DIR: folder, GPUVM_STATE_DIR: folder },
  stdio: 'ignore',
  timeout: 120_000,
});
rmSync(folder, { recursive: true, force: true });
