/** Writes docs/vm-file.md and schemas/vm-file.schema.json from the VM file's schema: `npx tsx` this file. */
import { writeFileSync } from 'node:fs';
import { vmFileJsonSchema } from '../src/config/index.js';
import { readPreface, vmFileReference } from './lib/vm-file-reference.js';

const schema = vmFileJsonSchema();
const root = new URL('../', import.meta.url);
writeFileSync(new URL('schemas/vm-file.schema.json', root), `${JSON.stringify(schema, null, 2)}\n`);
writeFileSync(new URL('docs/vm-file.md', root), vmFileReference(schema, readPreface()));
