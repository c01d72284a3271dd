import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

/** Where a program is on the PATH, or undefined. */
export function programPath(name: string): string | undefined {
  for (const folder of (process.env.PATH ?? '').split(':')) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {}
  }
  return undefined;
}

/** Says aloud what a test is skipped for. */
export function hasProgram(name: string): boolean {
  const found = programPath(name) !== undefined;
  if (!found) console.warn(`SKIPPED: needs ${name}, which is not on the PATH`);
  return found;
}
