import { readFile } from 'node:fs/promises';
import type { Place } from '../errors.js';
import { type KeyPath, YamlDocument } from './document.js';

/** Where in a VM file the value at a path stands; where there is none, the nearest thing around it. */
export type PlaceOf = (path: KeyPath) => Place;

/** For mistakes that show only once the file is read and looked at with other things; it is read once more. */
export async function placesIn(file: string): Promise<PlaceOf> {
  let document: YamlDocument;
  try {
    document = new YamlDocument(await readFile(file, 'utf8'), file);
  } catch {
    // It was there a moment ago, or never a file: the mistake is told without its line.
    return () => ({ file });
  }
  return (path) => document.placeOf(path);
}
