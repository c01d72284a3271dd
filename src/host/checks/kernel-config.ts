import { gunzipSync } from 'node:zlib';
import { bytes, kernelRelease, text } from './read.js';

/** What the running kernel was built with. */
export interface KernelConfig {
  /** Where that was read. */
  readonly from: string;
  /** `CONFIG_KVM` to `y`, `m`, a number or text; what is not set is not there. */
  readonly options: ReadonlyMap<string, string>;
}

/** A kernel's configuration is 300 KB; more is none. */
const MAX_BYTES = 16 * 1024 * 1024;

/** Undefined where this host keeps it nowhere. */
export function readKernelConfig(sysroot: string): KernelConfig | undefined {
  const packed = bytes(sysroot, 'proc/config.gz');
  if (packed) {
    const unpacked = unpack(packed);
    if (unpacked !== undefined) return { from: '/proc/config.gz', options: parseKernelConfig(unpacked) };
  }
  for (const path of configPaths(sysroot)) {
    const plain = text(sysroot, path);
    if (plain !== undefined) return { from: path, options: parseKernelConfig(plain) };
  }
  return undefined;
}

/** Where it was looked for, after /proc/config.gz. */
export function configPaths(sysroot: string): string[] {
  const release = kernelRelease(sysroot);
  if (release === undefined) return [];
  return [
    `/boot/config-${release}`,
    `/lib/modules/${release}/config`,
    `/usr/lib/modules/${release}/config`,
    `/lib/modules/${release}/build/.config`,
  ];
}

export function parseKernelConfig(text: string): Map<string, string> {
  return new Map([...text.matchAll(/^(CONFIG_\w+)=(.*)$/gm)].map(([, name, value]) => [name!, value!]));
}

function unpack(packed: Buffer): string | undefined {
  try {
    return gunzipSync(packed, { maxOutputLength: MAX_BYTES }).toString('latin1');
  } catch {
    return undefined;
  }
}
