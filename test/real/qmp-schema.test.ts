import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { QmpClient } from '../../src/qmp/index.js';
import { programPath } from './programs.js';

const root = resolve(import.meta.dirname, '../..');
const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
const newest = join(cache, 'gpuvm/qemu/bin/qemu-system-aarch64');
const binaries = [newest, 'qemu-system-aarch64', 'qemu-system-x86_64'];
const versions = JSON.parse(readFileSync(join(root, 'test/data/qmp-versions.json'), 'utf8')) as {
  schemas: string[];
  commands: Record<string, string[]>;
  events: Record<string, string[]>;
  members: Record<string, string[]>;
};

type Names = ReadonlyMap<string, ReadonlySet<string>>;

/** The tables as the compiler reads them: names, and the members that each can have. */
function readTypes(): Record<'CommandArguments' | 'CommandReturns' | 'EventData', Names> {
  const files = ['arguments', 'answers'].map((name) => join(root, `src/qmp/generated/${name}.ts`));
  const program = ts.createProgram(files, { strict: true, noEmit: true, target: ts.ScriptTarget.ES2023 });
  const checker = program.getTypeChecker();
  const members = (type: ts.Type): string[] => {
    if (type.isUnion()) return type.types.flatMap(members);
    const element = checker.isArrayType(type)
      ? checker.getTypeArguments(type as ts.TypeReference)[0]
      : undefined;
    if (element) return members(element);
    if (!(type.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection))) return [];
    return checker.getPropertiesOfType(type).map((property) => property.name);
  };
  const table = (name: string): Names => {
    const declarations = program
      .getSourceFiles()
      .flatMap((file) => file.statements.filter(ts.isInterfaceDeclaration));
    const declaration = declarations.find((one) => one.name.text === name)!;
    const rows = checker.getPropertiesOfType(checker.getTypeAtLocation(declaration));
    return new Map(
      rows.map((row) => [
        row.name,
        new Set(members(checker.getNonNullableType(checker.getTypeOfSymbolAtLocation(row, declaration)))),
      ]),
    );
  };
  return {
    CommandArguments: table('CommandArguments'),
    CommandReturns: table('CommandReturns'),
    EventData: table('EventData'),
  };
}

type Entity = {
  name: string;
  'meta-type': string;
  'arg-type': string;
  'ret-type': string;
  'element-type'?: string;
  members?: { name: string }[];
  variants?: { type: string }[];
};

/** The same of a running QEMU. */
async function readQemu(binary: string) {
  const folder = mkdtempSync(join(tmpdir(), 'gpuvm-schema-'));
  const path = join(folder, 'qmp');
  const base = ['-M', 'none', '-nodefaults', '-display', 'none', '-qmp', `unix:${path},server=on,wait=off`];
  const qemu = spawn(binary, base, { stdio: ['ignore', 'ignore', 'inherit'] });
  try {
    const client = await QmpClient.connect({ path });
    const label = `${client.version[0]}.${client.version[1]} ${(await client.execute('query-target')).arch}`;
    const entities = (await client.execute('query-qmp-schema')) as unknown as Entity[];
    client.close();
    const byName = new Map(entities.map((entity) => [entity.name, entity]));
    const members = (name: string): string[] => {
      const { 'element-type': element, members: own = [], variants = [] } = byName.get(name)!;
      if (element !== undefined) return members(element);
      if (byName.get(name)!['meta-type'] !== 'object') return [];
      return [...own.map((member) => member.name), ...variants.flatMap(({ type }) => members(type))];
    };
    const table = (kind: string, type: 'arg-type' | 'ret-type'): Names =>
      new Map(
        entities
          .filter((entity) => entity['meta-type'] === kind)
          .map((entity) => [entity.name, new Set(members(entity[type]))]),
      );
    return {
      label,
      CommandArguments: table('command', 'arg-type'),
      CommandReturns: table('command', 'ret-type'),
      EventData: table('event', 'arg-type'),
    };
  } finally {
    qemu.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}

const tables = [
  {
    table: 'CommandArguments',
    listed: versions.commands,
    as: (name: string, member: string) => `${name}(${member})`,
  },
  {
    table: 'CommandReturns',
    listed: versions.commands,
    as: (name: string, member: string) => `${name}.${member}`,
  },
  { table: 'EventData', listed: versions.events, as: (name: string, member: string) => `${name}.${member}` },
] as const;

describe('the types of commands and events', () => {
  const types = readTypes();

  for (const binary of binaries) {
    const isThere = existsSync(binary) || programPath(binary) !== undefined;
    if (!isThere) console.warn(`SKIPPED: needs ${binary}`);
    it.skipIf(!isThere)(`are those of ${binary}`, async () => {
      const qemu = await readQemu(binary);
      if (!versions.schemas.includes(qemu.label)) {
        console.warn(`${binary} is ${qemu.label}: only names that all known versions have are compared`);
      }
      const isKnown = versions.schemas.includes(qemu.label);
      /** What this QEMU has of a name that versions differ in; undefined where that is not known. */
      const has = (labels: readonly string[] | undefined) =>
        labels === undefined ? true : isKnown ? labels.includes(qemu.label) : undefined;
      const wrong: string[] = [];
      for (const { table, listed, as } of tables) {
        expect(types[table].size).toBeGreaterThan(50);
        for (const [name, members] of types[table]) {
          const expected = has(listed[name]);
          const actual = qemu[table].get(name);
          if (expected !== undefined && expected !== (actual !== undefined))
            wrong.push(`${table} ${name} is ${actual ? '' : 'not '}there`);
          if (!actual) continue;
          for (const member of new Set([...members, ...actual])) {
            const wanted = has(versions.members[as(name, member)]);
            if (wanted !== undefined && wanted !== actual.has(member))
              wrong.push(`${as(name, member)} is ${actual.has(member) ? '' : 'not '}there`);
            // What only an older version has is listed, and need not be typed.
            if (!members.has(member) && versions.members[as(name, member)] === undefined && isKnown)
              wrong.push(`${as(name, member)} is not typed`);
          }
        }
        const untyped = [...qemu[table].keys()].filter((name) => !types[table].has(name));
        if (isKnown) wrong.push(...untyped.map((name) => `${table} ${name} is not typed`));
      }
      expect(wrong).toEqual([]);
    });
  }
});
