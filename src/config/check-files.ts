import { accessSync, closeSync, constants, openSync, readSync, statSync } from 'node:fs';
import { dirname, isAbsolute } from 'node:path';
import type { KeyPath, Mistake, YamlDocument } from './document.js';
import { formatPath } from './mistakes.js';
import { fileKeys, textsAt } from './places.js';
import type { VmFile } from './schema/index.js';

/** That the files are there and can be used as the VM is to use them, before it is started with them. */
export function checkFiles(file: VmFile, document: YamlDocument, mistakes: Mistake[]): void {
  const complain = (what: string, path: string, at: KeyPath, trouble: string | undefined) => {
    if (trouble) mistakes.push({ message: `${what} ${path} ${trouble}`, place: document.placeOf(at) });
  };
  for (const { at, must } of fileKeys) {
    if (!must) continue;
    for (const { path, text } of textsAt(file, at)) {
      const what = (at[0] === 'deviceTree' && ofTree[at[1]!]) || formatPath(path);
      const trouble = must === 'be-there' ? memoryTrouble(file, text) : troubleWith(text);
      complain(what, text, path, trouble);
      if (must === 'be-image' && !trouble) {
        const disk = file.disks[path[1] as number]!;
        complain(what, text, path, imageTrouble(disk, file.qemu.user !== undefined));
      }
    }
  }
  for (const { path, text } of textsAt(file, HOOK_PROGRAMS)) {
    if (isAbsolute(text)) complain(formatPath(path.slice(0, -2)), text, path, programTrouble(text));
  }
}

/** Files of lists are named by what they are. */
const ofTree: Readonly<Record<string, string>> = { overlays: 'the overlay', profiles: 'the profile' };

/** A bare name is for the PATH of the day to find. */
const HOOK_PROGRAMS = ['hooks', '*', '*', 'run', '0'];

function programTrouble(path: string): string | undefined {
  return troubleWith(path) ?? (accessTrouble(path, constants.X_OK) && 'cannot be run: it is not executable');
}

function troubleWith(path: string): string | undefined {
  const trouble = accessTrouble(path, constants.R_OK);
  if (trouble) return trouble;
  return statSync(path).isDirectory() ? 'is a folder, not a file' : undefined;
}

/** A file of memory is made where it is not there; a mount is not. */
function memoryTrouble({ memoryBackend }: VmFile, path: string): string | undefined {
  const trouble = accessTrouble(path, constants.F_OK);
  const isMade = memoryBackend?.kind === 'file' && accessTrouble(dirname(path), constants.F_OK) === undefined;
  return isMade ? undefined : trouble;
}

function accessTrouble(path: string, mode: number): string | undefined {
  try {
    accessSync(path, mode);
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOTDIR') return 'is below a file, not a folder';
    return code === 'ENOENT' ? 'is not there' : 'cannot be read';
  }
}

/** A qcow2 image that is used as raw shows the guest nonsense, and is spoilt once that is written to. */
function imageTrouble(
  { file, format, readonly }: VmFile['disks'][number],
  asAnother: boolean,
): string | undefined {
  if (statSync(file).isFile()) {
    const isQcow2 = firstBytes(file, 4).equals(QCOW2_MAGIC);
    if (isQcow2 && format === 'raw') return 'is a qcow2 image: add format: qcow2';
    if (!isQcow2 && format === 'qcow2') return 'is no qcow2 image: leave format out, or make it one';
  }
  // Another account's rights are not ours to tell.
  if (readonly || asAnother) return undefined;
  return (
    accessTrouble(file, constants.W_OK) && 'cannot be written: add readonly: true, or change its permissions'
  );
}

const QCOW2_MAGIC = Buffer.from('QFI\xfb', 'latin1');

function firstBytes(path: string, length: number): Buffer {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const bytes = Buffer.alloc(length);
    return bytes.subarray(0, readSync(file, bytes, 0, length, 0));
  } finally {
    closeSync(file);
  }
}
