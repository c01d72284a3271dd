/** Writes docs/vm-file.md and the schemas of VM files and device profiles from their own: `npx tsx` this file. */
import { writeFileSync } from 'node:fs';
import { vmFileJsonSchema } from '../src/config/index.js';
import { profileJsonSchema } from '../src/passthrough/profiles/read.js';
import { readPreface, vmFileReference } from './lib/vm-file-reference.js';

const schema = vmFileJsonSchema();
const root = new URL('../', import.meta.url);
writeFileSync(new URL('schemas/vm-file.schema.json', root), `${JSON.stringify(schema, null, 2)}\n`);
writeFileSync(new URL('docs/vm-file.md', root), vmFileReference(schema, readPreface()));
writeFileSync(
  new URL('schemas/device-profiles.schema.json', root),
  `${JSON.stringify(profileJsonSchema(), null, 2)}\n`,
);
