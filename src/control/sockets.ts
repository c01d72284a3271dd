import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { nameOfSocket } from './path.js';

export interface FoundSocket {
  readonly name: string;
  readonly path: string;
}

/** The control sockets in these folders, dead ones too, by name; a folder that cannot be read has none. */
export async function socketsIn(folders: readonly string[]): Promise<readonly FoundSocket[]> {
  const found: FoundSocket[] = [];
  for (const folder of folders) {
    const files = await readdir(folder, { withFileTypes: true }).catch(() => []);
    for (const file of files) {
      const name = nameOfSocket(file.name);
      if (name !== undefined && file.isSocket()) found.push({ name, path: join(folder, file.name) });
    }
  }
  return found.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

export async function namesIn(folders: readonly string[]): Promise<readonly string[]> {
  return [...new Set((await socketsIn(folders)).map(({ name }) => name))];
}
