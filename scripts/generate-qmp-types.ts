/**
 * Writes src/qmp/generated/ and test/data/qmp-versions.json from what QEMUs say of themselves:
 *
 *   npx tsx scripts/generate-qmp-types.ts QEMU…
 *
 * The first QEMU's schema is the base; the others add the commands, events and members that it has no more. By default
 * the newest that scripts/setup fetches, then those on the PATH.
 */
import { writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { askSchema, type NamedSchema } from './lib/qmp-schema/ask.js';
import { versionsOf } from './lib/qmp-schema/versions.js';
import { writeAnswers, writeArguments } from './lib/qmp-schema/write.js';

const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
const usual = [
  join(cache, 'gpuvm/qemu/bin/qemu-system-aarch64'),
  'qemu-system-aarch64',
  'qemu-system-x86_64',
];
const wanted = process.argv.length > 2 ? process.argv.slice(2) : usual;
const root = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));

const schemas: NamedSchema[] = [];
for (const qemu of wanted) schemas.push(await askSchema(qemu));
const files = {
  'src/qmp/generated/arguments.ts': writeArguments(schemas),
  'src/qmp/generated/answers.ts': writeAnswers(schemas),
  'test/data/qmp-versions.json': `${JSON.stringify(versionsOf(schemas), undefined, 2)}\n`,
};
for (const [path, text] of Object.entries(files)) {
  writeFileSync(root(path), text);
  console.log(`${path}: ${text.length} characters`);
}
