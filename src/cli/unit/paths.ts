import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { VmConfig } from '../../config/index.js';
import type { Need } from '../../host/systemd/index.js';

export interface VmPaths {
  readonly read: readonly string[];
  readonly written: readonly string[];
}

/** The files of a VM, apart from devices: those that are only read, and those (or their folders) that are written. */
export function pathsOf(config: VmConfig, program: readonly string[]): VmPaths {
  const {
    kernel,
    initrd,
    dtb,
    deviceTree,
    policy,
    firmware,
    disks,
    serial,
    qemu,
    memoryBackend,
    control,
    capture,
  } = config;
  const { overlays, hostTree, profiles } = deviceTree;
  const trees = [dtb, ...overlays, hostTree, ...profiles];
  const read = [config.file, kernel, initrd, ...trees, policy, qemu.binary, ...program];
  const written: (string | undefined)[] = [];
  if (typeof firmware === 'string') read.push(firmware);
  else if (firmware) {
    read.push(firmware.code);
    written.push(firmware.vars);
  }
  for (const { file, readonly } of disks) (readonly ? read : written).push(file);
  // A file or socket that is made anew needs its folder.
  for (const port of serial ?? [])
    if (port.kind === 'file' || port.kind === 'unix') written.push(dirname(port.path));
  if (memoryBackend?.kind === 'file' || memoryBackend?.kind === 'hugepages') written.push(memoryBackend.path);
  if (control.socket !== undefined) written.push(dirname(control.socket));
  // The folder, as older captures are renamed.
  if (capture) written.push(dirname(capture.file));
  const isPlain = (path: string | undefined): path is string =>
    path?.startsWith('/') === true && !/^\/(dev|proc|sys)\//.test(path);
  return { read: unique(read.filter(isPlain)), written: unique(written.filter(isPlain)) };
}

const unique = (paths: readonly string[]) => [...new Set(paths)];

const READ = 4;
const WRITE = 2;
const ENTER = 1;

export const isInHome = (path: string) => /^\/(home|root|run\/user)\//.test(path);
export const isInTmp = (path: string) => /^\/(var\/)?tmp(\/|$)/.test(path);

/**
 * The rights that root needs to reach these files although they are somebody else's, judged by what is there now: root
 * without capabilities is bound by owner and mode like everybody.
 */
export function overridesFor({ read, written }: VmPaths): Need[] {
  const foreign = written.find((path) => !allows(path, WRITE) || !isReachable(path));
  if (foreign !== undefined) return [{ what: 'CAP_DAC_OVERRIDE', why: `${foreign} is not root's` }];
  const hidden = read.find((path) => !allows(path, READ) || !isReachable(path));
  return hidden === undefined
    ? []
    : [{ what: 'CAP_DAC_READ_SEARCH', why: `${hidden} is not root's, nor for everybody to read` }];
}

function isReachable(path: string): boolean {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    if (!allows(folder, ENTER)) return false;
    if (folder === dirname(folder)) return true;
  }
}

/** Whether root may do this by owner, group and mode alone. What is not there yet is in nobody's way. */
function allows(path: string, right: number): boolean {
  try {
    const { uid, gid, mode } = statSync(path);
    const granted = uid === 0 ? mode >> 6 : gid === 0 ? mode >> 3 : mode;
    return (granted & right) === right;
  } catch {
    return true;
  }
}
