import { builtinProfiles } from './builtin/index.js';
import type { DeviceProfile } from './profile.js';

/** gpuvm's own profiles and before them those of files, of which the later ones count more. */
export async function chooseProfiles(files: readonly string[]): Promise<readonly DeviceProfile[]> {
  if (files.length === 0) return builtinProfiles;
  const { readProfiles } = await import('./read.js');
  const own = (await Promise.all(files.map(readProfiles))).reverse().flat();
  const names = new Set(own.map(({ name }) => name));
  return [...own, ...builtinProfiles.filter(({ name }) => !names.has(name))];
}
