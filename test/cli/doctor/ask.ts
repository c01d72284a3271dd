import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Given, type GivenOptions, gather } from '../../../src/cli/doctor/given.js';
import { rows } from '../../../src/cli/doctor/table.js';
import type { Finding } from '../../../src/finding.js';

export const folder = mkdtempSync(join(tmpdir(), 'gpuvm-doctor-'));
export const removeFolder = () => rmSync(folder, { recursive: true, force: true });

let count = 0;

/** A VM file with this text. */
export function vmFile(text: string): string {
  const path = join(folder, `vm-${++count}.yaml`);
  writeFileSync(path, text);
  return path;
}

/** What the row of this id says of a VM file (or of none) on a host. */
export async function ask(
  id: string,
  text: string | undefined,
  options: GivenOptions & { readonly change?: Partial<Given> } = {},
): Promise<readonly Finding[]> {
  const { change, ...rest } = options;
  const row = rows.find(({ ids }) => ids.includes(id))!;
  const file = text === undefined ? undefined : vmFile(text);
  const given = await gather({ sysroot: folder, ...rest, file });
  return (await row.run({ ...given, ...change })).filter((finding) => finding.id.split('/')[0] === id);
}
