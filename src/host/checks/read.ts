import { existsSync, readdirSync, readFileSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';

/** A file below the sysroot as text, without its last newline; undefined where it cannot be read. */
export function text(sysroot: string, path: string): string | undefined {
  try {
    return readFileSync(join(sysroot, path), 'utf8').replace(/\n$/, '');
  } catch {
    return undefined;
  }
}

export function bytes(sysroot: string, path: string): Buffer | undefined {
  try {
    return readFileSync(join(sysroot, path));
  } catch {
    return undefined;
  }
}

export function names(sysroot: string, path: string): string[] {
  try {
    return readdirSync(join(sysroot, path)).sort();
  } catch {
    return [];
  }
}

export function isThere(sysroot: string, path: string): boolean {
  return existsSync(join(sysroot, path));
}

export function statOf(sysroot: string, path: string): Stats | undefined {
  try {
    return statSync(join(sysroot, path));
  } catch {
    return undefined;
  }
}

/** The running kernel's release: `5.15.148-tegra`. */
export function kernelRelease(sysroot: string): string | undefined {
  return text(sysroot, 'proc/sys/kernel/osrelease')?.trim();
}

/** Whether it is an NVIDIA Tegra (a Jetson): its device tree says so. */
export function isTegra(sysroot: string): boolean {
  const compatible =
    text(sysroot, 'proc/device-tree/compatible') ??
    text(sysroot, 'sys/firmware/devicetree/base/compatible') ??
    '';
  return /\bnvidia,tegra\d/.test(compatible.replaceAll('\0', ' '));
}
