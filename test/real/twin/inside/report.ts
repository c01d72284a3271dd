import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The folder that the twin has with the test. */
export const shared = process.env.TWIN_RESULTS!;

/** What a case saw, or what kept it from seeing. */
export type Report<T> =
  | { readonly saw: T; readonly tookMs: number; readonly left: readonly string[] }
  | { readonly error: string; readonly tookMs: number; readonly left: readonly string[] };

/** Writes a result down under a name, at once: what comes after may be the end of the twin. */
export function report(name: string, result: unknown): void {
  writeFileSync(join(shared, 'results', `${name}.json`), JSON.stringify(result));
}
