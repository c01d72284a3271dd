import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readPreface, vmFileReference } from '../../scripts/lib/vm-file-reference.js';
import { vmFileJsonSchema } from '../../src/config/index.js';

const again = 'npx tsx scripts/generate-vm-file-reference.ts makes it anew';

function read(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
}

/** Every map of the schema, with its path. */
function* maps(
  schema: Record<string, unknown>,
  path = 'the file',
): Generator<[string, Record<string, unknown>]> {
  if (schema.properties) yield [path, schema];
  for (const [key, inner] of Object.entries(schema)) {
    if (Array.isArray(inner)) {
      for (const [index, each] of inner.entries())
        if (typeof each === 'object' && each !== null) yield* maps(each, `${path}.${key}[${index}]`);
    } else if (typeof inner === 'object' && inner !== null && key !== 'default') {
      yield* maps(inner as Record<string, unknown>, `${path}.${key}`);
    }
  }
}

describe('the JSON Schema of a VM file', () => {
  const schema = vmFileJsonSchema();

  it('is the one that is shipped', () => {
    expect(JSON.parse(read('schemas/vm-file.schema.json')), again).toEqual(schema);
  });

  it('knows every key, with its meaning', () => {
    let keys = 0;
    for (const [path, map] of maps(schema)) {
      expect(map.additionalProperties, path).toBe(false);
      for (const [key, each] of Object.entries(map.properties as Record<string, { description?: string }>)) {
        keys++;
        expect(each.description, `${path}.${key}`).toMatch(/^\S.*[.:]$/s);
      }
    }
    expect(keys).toBeGreaterThan(120);
  });

  it('asks for no more than a file must have', () => {
    expect(schema.required).toEqual(['name', 'machine']);
  });

  it('has defaults as a file would write them', () => {
    const { stop, control, restart } = schema.properties as Record<
      string,
      { properties: Record<string, { default: unknown }> }
    >;
    expect(stop!.properties.quit!.default).toBe('5s');
    expect(restart!.properties.window!.default).toBe('10min');
    expect(control!.properties.mode!.default).toBe('0660');
  });

  it('is named by every example', () => {
    for (const name of ['mainline-guest', 'orin-gpu-vm', 'pci-gpu', 'simulated-orin'])
      expect(read(`examples/${name}.yaml`)).toMatch(
        /^# yaml-language-server: \$schema=\.\.\/schemas\/vm-file\.schema\.json\n/,
      );
  });
});

describe('docs/vm-file.md', () => {
  it('is what the schema says', () => {
    expect(read('docs/vm-file.md') === vmFileReference(vmFileJsonSchema(), readPreface()), again).toBe(true);
  });

  it('refuses a key that is in no chapter', () => {
    const schema = { properties: { name: { description: 'A name.' }, nwe: { description: 'A key.' } } };
    expect(() => vmFileReference(schema, '')).toThrow(/not in one chapter .*\bnwe\b/);
  });
});
