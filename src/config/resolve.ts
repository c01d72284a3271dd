import { accessSync, constants, statSync } from 'node:fs';
import type { KeyPath, Mistake, YamlDocument } from './document.js';
import { expandPath, expandProgram, expandVariables, type Variables } from './paths.js';
import type { VmFile } from './schema.js';

/** Keys whose value is a file that must be there when the VM starts. */
const FILES = ['kernel', 'initrd', 'dtb', 'policy'] as const;

/** Puts in variables and makes paths absolute; adds what is wrong with them to `mistakes`. */
export function resolvePaths(
  file: VmFile,
  variables: Variables,
  document: YamlDocument,
  mistakes: Mistake[],
): VmFile {
  const complain = (path: KeyPath) => (message: string) => {
    mistakes.push({ message, place: document.placeOf(path) });
  };
  const resolved: VmFile = {
    ...file,
    qemu: { ...file.qemu, binary: expandProgram(file.qemu.binary, variables, complain(['qemu', 'binary'])) },
    extraArguments: file.extraArguments.map((argument, index) =>
      expandVariables(argument, variables, complain(['extraArguments', index])),
    ),
  };
  for (const key of FILES) {
    const path = file[key];
    if (path !== undefined) resolved[key] = expandPath(path, variables, complain([key]));
  }
  resolved.deviceTree = {
    overlays: file.deviceTree.overlays.map((path, index) =>
      expandPath(path, variables, complain(['deviceTree', 'overlays', index])),
    ),
  };
  return resolved;
}

/** That the files are there and can be read, before a VM is started with them. */
export function checkFiles(file: VmFile, document: YamlDocument, mistakes: Mistake[]): void {
  const check = (what: string, path: string | undefined, at: KeyPath) => {
    const trouble = path === undefined ? undefined : troubleWith(path);
    if (trouble) mistakes.push({ message: `${what} ${path} ${trouble}`, place: document.placeOf(at) });
  };
  for (const key of FILES) check(key, file[key], [key]);
  for (const [index, path] of file.deviceTree.overlays.entries()) {
    check('the overlay', path, ['deviceTree', 'overlays', index]);
  }
}

function troubleWith(path: string): string | undefined {
  try {
    accessSync(path, constants.R_OK);
    return statSync(path).isDirectory() ? 'is a folder, not a file' : undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'is not there' : 'cannot be read';
  }
}
