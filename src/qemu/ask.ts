import { execFile } from 'node:child_process';
import { GpuvmError } from '../errors.js';

export interface Answer {
  readonly stdout: string;
  readonly stderr: string;
}

/** A help text has a few hundred KB at most. */
const MAX_OUTPUT_BYTES = 4 * 1024 * 1024;

/** Runs a QEMU that is to print something and exit. Its exit status says little, so it is not looked at. */
export function askQemu(binary: string, args: readonly string[], deadlineMs: number): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = {
      timeout: deadlineMs,
      killSignal: 'SIGKILL',
      maxBuffer: MAX_OUTPUT_BYTES,
      env: { ...process.env, LC_ALL: 'C' },
    } as const;
    const child = execFile(binary, args, options, (error, stdout, stderr) => {
      if (error && typeof error.code === 'string') reject(cannotStart(binary, error));
      else if (error?.killed) reject(silent(binary, args, deadlineMs));
      else resolve({ stdout, stderr });
    });
    child.stdin?.end();
  });
}

/** Why a program could not be started, in a sentence that says what to do. */
export function cannotStart(binary: string, cause: Error & { code?: unknown }): GpuvmError {
  const where = binary.includes('/') ? '' : ' on the PATH';
  const why =
    cause.code === 'ENOENT'
      ? `there is no ${binary}${where}: install QEMU or set qemu.binary in the VM file`
      : cause.code === 'EACCES'
        ? `${binary} may not be executed`
        : `${binary} cannot be started: ${cause.message}`;
  return new GpuvmError('GPUVM_QEMU_START', why, { cause, details: { binary } });
}

function silent(binary: string, args: readonly string[], deadlineMs: number): GpuvmError {
  return new GpuvmError(
    'GPUVM_QEMU_UNSUITABLE',
    `${binary} ${args.join(' ')} did not end within ${deadlineMs} ms: is it a QEMU?`,
    { details: { binary, args, deadlineMs } },
  );
}
