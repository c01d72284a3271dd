import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Run-time and state folders of the tests' own: what they start must not meet what runs on this machine. */
export default function setUp(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'gpuvm-t'));
  process.env.GPUVM_RUNTIME_DIR ??= join(folder, 'run');
  process.env.GPUVM_STATE_DIR ??= join(folder, 'state');
  return () => rmSync(folder, { recursive: true, force: true });
}
