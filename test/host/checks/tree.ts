import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type HostNeeds, hostChecks, type Said } from '../../../src/host/checks/index.js';

const made: string[] = [];

export function cleanUp(): void {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true });
}

export type Entry = string | Uint8Array | { readonly link: string } | { readonly mode: number };

/** A host's files in a folder of its own; a path that ends in a slash is an empty folder. */
export function hostWith(files: Readonly<Record<string, Entry>>): string {
  const root = mkdtempSync(join(tmpdir(), 'gpuvm-doctor-'));
  made.push(root);
  for (const [path, entry] of Object.entries(files)) {
    const full = join(root, path);
    mkdirSync(path.endsWith('/') ? full : dirname(full), { recursive: true });
    if (path.endsWith('/')) continue;
    if (typeof entry === 'string' || entry instanceof Uint8Array) writeFileSync(full, entry);
    else if ('link' in entry) symlinkSync(entry.link, full);
    else {
      writeFileSync(full, '');
      chmodSync(full, entry.mode);
    }
  }
  return root;
}

export const RELEASE = '5.15.148-tegra';
export const release = { 'proc/sys/kernel/osrelease': `${RELEASE}\n` };
export const tegra = { 'proc/device-tree/compatible': 'nvidia,p3737-0000+p3701-0005\0nvidia,tegra234\0' };

/** The options, as /proc/config.gz has them. */
export function configOf(...options: readonly string[]): { 'proc/config.gz': Uint8Array } {
  return { 'proc/config.gz': gzipSync(options.map((option) => `CONFIG_${option}\n`).join('')) };
}

export const noNeeds: HostNeeds = {
  kvm: false,
  platformDevices: false,
  pciDevices: false,
  tap: false,
  vhostNet: false,
  interposed: false,
  memfd: false,
  guestBytes: 1n << 30n,
};

export const orinNeeds: HostNeeds = {
  ...noNeeds,
  kvm: true,
  platformDevices: true,
  interposed: true,
  bpmpDevice: '/dev/bpmp-host',
  guestBytes: 4n << 30n,
  vcpus: 4,
};

/** What one check says of a host. */
export async function say(
  id: string,
  files: Readonly<Record<string, Entry>>,
  needs?: Partial<HostNeeds>,
): Promise<readonly Said[]> {
  const check = hostChecks.find((each) => each.id === id)!;
  return check.run({ sysroot: hostWith(files), needs: needs && { ...noNeeds, ...needs } });
}
