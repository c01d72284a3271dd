import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { QmpClient } from '../../../src/qmp/index.js';

/** An entity of `query-qmp-schema`, by its meta-type; docs/devel/qapi-code-gen of QEMU, "Client JSON Protocol introspection". */
export type Entity =
  | { 'meta-type': 'builtin'; name: string; 'json-type': string }
  | { 'meta-type': 'enum'; name: string; members: { name: string }[] }
  | { 'meta-type': 'array'; name: string; 'element-type': string }
  | ObjectEntity
  | { 'meta-type': 'alternate'; name: string; members: { type: string }[] }
  | CommandEntity
  | { 'meta-type': 'event'; name: string; 'arg-type': string; features?: string[] };

export interface CommandEntity {
  'meta-type': 'command';
  name: string;
  'arg-type': string;
  'ret-type': string;
  'allow-oob'?: boolean;
  features?: string[];
}

export interface Member {
  name: string;
  type: string;
  /** There where the member is optional. */
  default?: null;
  features?: string[];
}

export interface ObjectEntity {
  'meta-type': 'object';
  name: string;
  members: Member[];
  tag?: string;
  variants?: { case: string; type: string }[];
}

/** One QEMU's schema: its entities by name. */
export interface NamedSchema {
  /** "7.2 x86_64" */
  readonly label: string;
  readonly entities: ReadonlyMap<string, Entity>;
}

/** Starts a QEMU without a machine and asks it. */
export async function askSchema(binary: string): Promise<NamedSchema> {
  const folder = mkdtempSync(join(tmpdir(), 'gpuvm-schema-'));
  const path = join(folder, 'qmp');
  const base = ['-M', 'none', '-nodefaults', '-display', 'none', '-qmp', `unix:${path},server=on,wait=off`];
  const qemu = spawn(binary, base, { stdio: ['ignore', 'ignore', 'inherit'] });
  const failed = new AbortController();
  qemu.once('error', (error) => failed.abort(error));
  try {
    const client = await QmpClient.connect({ path, signal: failed.signal });
    const { arch } = (await client.execute('query-target')) as { arch: string };
    const schema = await client.execute('query-qmp-schema');
    return schemaOf(`${client.version[0]}.${client.version[1]} ${arch}`, schema);
  } finally {
    qemu.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}

export function schemaOf(label: string, answer: unknown): NamedSchema {
  return { label, entities: new Map((answer as Entity[]).map((entity) => [entity.name, entity])) };
}

export function entitiesOf<T extends 'command' | 'event'>(
  { entities }: NamedSchema,
  type: T,
): Extract<Entity, { 'meta-type': T }>[] {
  return [...entities.values()].filter(
    (entity): entity is Extract<Entity, { 'meta-type': T }> => entity['meta-type'] === type,
  );
}

/** The names of all members that an object can have, those of its variants among them. */
export function memberNames({ entities }: NamedSchema, type: string): string[] {
  const entity = entities.get(type);
  if (entity?.['meta-type'] === 'array') return memberNames({ label: '', entities }, entity['element-type']);
  if (entity?.['meta-type'] !== 'object') return [];
  const names = entity.members.map(({ name }) => name);
  for (const variant of entity.variants ?? []) {
    names.push(...memberNames({ label: '', entities }, variant.type));
  }
  return [...new Set(names)].sort();
}
