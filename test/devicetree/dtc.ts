import { spawnSync } from 'node:child_process';

const version = spawnSync('dtc', ['--version'], { timeout: 10_000 });
/** Whether the device tree compiler is there; scripts/setup installs it. */
export const hasDtc = version.status === 0;

/** Runs dtc on standard input; throws with what it says where it fails. */
export function dtc(
  input: string | Uint8Array,
  from: 'dts' | 'dtb',
  to: 'dts' | 'dtb',
  ...options: string[]
): Buffer {
  const args = ['-q', '-I', from, '-O', to, ...options, '-'];
  const { status, stdout, stderr } = spawnSync('dtc', args, { input, timeout: 10_000, maxBuffer: 16 << 20 });
  if (status !== 0) throw new Error(`dtc: ${stderr}`);
  return stdout;
}
