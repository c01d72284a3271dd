import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

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
  return run('dtc', ['-q', '-I', from, '-O', to, ...options, '-'], input);
}

/** What dtc has to say against a blob: warnings and errors, by line; empty where it is content. */
export function dtcLint(input: string | Uint8Array, from: 'dts' | 'dtb'): string[] {
  const args = ['-I', from, '-O', 'dtb', '-o', '/dev/null', '-'];
  const { stderr } = spawnSync('dtc', args, { input, encoding: 'utf8', timeout: 10_000 });
  return stderr.split('\n').filter((line) => line !== '');
}

/** What fdtget reads of a property; `type` is its `-t`. */
export function fdtget(blob: Uint8Array, path: string, property: string, type: string): string {
  return run('fdtget', ['-t', type, '-', path, property], blob).toString('latin1').replace(/\n$/, '');
}

/** The overlay applied by fdtoverlay; undefined where that refuses. */
export function fdtoverlay(base: Uint8Array, overlay: Uint8Array): Buffer | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'gpuvm-fdtoverlay-'));
  try {
    const [from, over, to] = ['base.dtb', 'overlay.dtbo', 'merged.dtb'].map((name) => join(folder, name));
    writeFileSync(from!, base);
    writeFileSync(over!, overlay);
    const { status } = spawnSync('fdtoverlay', ['-i', from!, '-o', to!, over!], { timeout: 10_000 });
    return status === 0 ? readFileSync(to!) : undefined;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function run(program: string, args: readonly string[], input: string | Uint8Array): Buffer {
  const { status, stdout, stderr } = spawnSync(program, args, {
    input,
    timeout: 10_000,
    maxBuffer: 16 << 20,
  });
  if (status !== 0) throw new Error(`${program}: ${stderr}`);
  return stdout;
}
