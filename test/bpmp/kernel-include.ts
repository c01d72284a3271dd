import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The include directory of Linux 7.2's headers: from GPUVM_KERNEL_INCLUDE, or where Debian's
 * linux-headers-7.2*-common package has it; undefined where there is neither.
 */
export function kernelInclude(): string | undefined {
  const named = process.env.GPUVM_KERNEL_INCLUDE;
  if (named !== undefined && named !== '') return named;
  const packages = existsSync('/usr/src') ? readdirSync('/usr/src') : [];
  const headers = packages.find((name) => /^linux-headers-7\.2.*-common$/.test(name));
  return headers === undefined ? undefined : join('/usr/src', headers, 'include');
}

/** What a skipped test says about it. */
export const noHeaders =
  'SKIPPED: no linux-headers-7.2*-common package here, and GPUVM_KERNEL_INCLUDE is not set';
