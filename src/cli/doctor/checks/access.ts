import { type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { VmConfig } from '../../../config/index.js';
import type { Check, Said } from '../../../host/checks/index.js';
import type { QemuAccount } from '../../../vm/index.js';
import type { Given } from '../given.js';

const READ = 4;
const WRITE = 2;
const ENTER = 1;

/** Whether the account that QEMU runs as may use the files, which stay whose they are. */
export const fileAccess: Check<Given> = {
  id: 'file.access',
  run({ config, account }) {
    if (!config || !account || account.uid === 0) return [];
    const barred = filesOf(config).flatMap(({ path, right }) => trouble(path, right, account) ?? []);
    if (barred.length > 0) return barred;
    return [
      {
        status: 'ok',
        what: `${account.name} may use the VM's files`,
        evidence: 'owner, group and mode of each, and of the folders above',
      },
    ];
  },
};

interface UsedFile {
  readonly path: string;
  readonly right: number;
}

/** What QEMU opens itself. */
function filesOf({ kernel, initrd, dtb, firmware, disks, memoryBackend }: VmConfig): UsedFile[] {
  const read = [kernel, initrd, dtb, typeof firmware === 'string' ? firmware : firmware?.code];
  const written = [
    typeof firmware === 'object' ? firmware.vars : undefined,
    memoryBackend?.kind === 'hugepages' ? memoryBackend.path : undefined,
  ];
  const use = (right: number) => (path: string | undefined) => (path === undefined ? [] : [{ path, right }]);
  return [
    ...read.flatMap(use(READ)),
    ...written.flatMap(use(READ | WRITE)),
    ...disks.map(({ file, readonly }) => ({ path: file, right: readonly ? READ : READ | WRITE })),
  ];
}

function trouble(path: string, right: number, account: QemuAccount): Said | undefined {
  const stats = statOf(path);
  // That it is not there has been said.
  if (!stats) return undefined;
  const folder = foldersAbove(path).find((each) => !may(account, statOf(each), ENTER));
  if (folder === undefined && may(account, stats, right)) return undefined;
  const verb = right & WRITE ? 'write' : 'read';
  const { name } = account;
  const group = `group ${stats.gid}`;
  return {
    on: path,
    status: 'fail',
    what:
      folder === undefined
        ? `${name}, who QEMU runs as, may not ${verb} ${path}`
        : `${name}, who QEMU runs as, may not enter ${folder}, and so not ${verb} ${path}`,
    evidence: `${path}: 0${(stats.mode & 0o7777).toString(8)}, owner ${stats.uid}, ${group}`,
    fix:
      folder === undefined
        ? `chown ${name} ${path}, or: setfacl -m u:${name}:${right & WRITE ? 'rw' : 'r'} ${path}`
        : `setfacl -m u:${name}:x ${folder}, or keep the file where ${name} can reach it`,
  };
}

function may({ uid, gid }: QemuAccount, stats: Stats | undefined, right: number): boolean {
  if (!stats) return true;
  const shift = stats.uid === uid ? 6 : stats.gid === gid ? 3 : 0;
  return ((stats.mode >> shift) & right) === right;
}

/** From the root down. */
function foldersAbove(path: string): string[] {
  const folder = dirname(path);
  return folder === path ? [] : [...foldersAbove(folder), folder];
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}
