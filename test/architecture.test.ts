import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const src = resolve(import.meta.dirname, '../src');

/**
 * The rooms, and for each the rooms that it may import from. What is not listed may not be imported: imports run
 * downwards. docs/architecture.md tells the same story in words.
 */
const mayImport: Record<string, readonly string[]> = {
  cli: [
    'report',
    'metrics',
    'control',
    'host',
    'vm',
    'passthrough',
    'vfio',
    'journal',
    'finding',
    'devicetree',
    'qemu',
    'qmp',
    'config',
    'cache',
    'nearest',
    'errors',
    'native',
    'bpmp/worker',
    'bpmp/inspect',
    'bpmp/replay',
    'bpmp/dissector',
    'bpmp/filter',
    'bpmp/fields',
    'bpmp/capture',
    'bpmp/mediator',
    'bpmp/bridge',
    'bpmp/backend',
    'bpmp/policy',
    'bpmp/tegra234',
    'bpmp/wire',
  ],
  index: [
    'control',
    'vm',
    'vfio',
    'journal',
    'finding',
    'qemu',
    'qmp',
    'config',
    'errors',
    'bpmp/worker',
    'bpmp/filter',
    'bpmp/fields',
    'bpmp/capture',
    'bpmp/mediator',
    'bpmp/bridge',
    'bpmp/backend',
    'bpmp/policy',
    'bpmp/tegra234',
    'bpmp/wire',
  ],
  testing: ['vm', 'qmp', 'config', 'errors'],
  vm: [
    'metrics',
    'host',
    'passthrough',
    'vfio',
    'journal',
    'finding',
    'devicetree',
    'qemu',
    'qmp',
    'config',
    'errors',
    'native',
    'bpmp/worker',
    'bpmp/capture',
    'bpmp/mediator',
    'bpmp/bridge',
    'bpmp/backend',
    'bpmp/policy',
    'bpmp/tegra234',
    'bpmp/wire',
  ],
  passthrough: [
    'devicetree',
    'qemu',
    'config',
    'finding',
    'nearest',
    'errors',
    'bpmp/policy',
    'bpmp/tegra234',
    'bpmp/wire',
  ],
  control: ['config', 'nearest', 'errors', 'native'],
  qemu: ['config', 'native', 'errors'],
  devicetree: ['nearest', 'errors'],
  qmp: ['native', 'errors'],
  config: ['nearest', 'errors', 'bpmp/backend'],
  'bpmp/worker': [
    'bpmp/bridge',
    'bpmp/mediator',
    'bpmp/capture',
    'bpmp/backend',
    'bpmp/policy',
    'bpmp/tegra234',
    'bpmp/wire',
    'errors',
    'native',
  ],
  report: ['bpmp/filter', 'bpmp/fields', 'bpmp/capture', 'bpmp/tegra234', 'bpmp/wire', 'errors'],
  metrics: ['bpmp/mediator', 'bpmp/tegra234', 'bpmp/wire', 'errors'],
  'bpmp/inspect': ['bpmp/backend', 'bpmp/tegra234', 'bpmp/wire', 'nearest', 'errors'],
  'bpmp/replay': [
    'bpmp/fields',
    'bpmp/capture',
    'bpmp/mediator',
    'bpmp/backend',
    'bpmp/policy',
    'bpmp/tegra234',
    'bpmp/wire',
    'errors',
  ],
  'bpmp/dissector': ['bpmp/fields', 'bpmp/capture', 'bpmp/tegra234', 'bpmp/wire', 'errors'],
  'bpmp/filter': ['bpmp/fields', 'bpmp/capture', 'bpmp/wire', 'nearest', 'errors'],
  'bpmp/fields': ['bpmp/capture', 'bpmp/tegra234', 'bpmp/wire', 'nearest', 'errors'],
  'bpmp/bridge': ['bpmp/backend', 'bpmp/wire', 'errors', 'native'],
  'bpmp/mediator': ['bpmp/capture', 'bpmp/backend', 'bpmp/policy', 'bpmp/wire', 'errors'],
  'bpmp/capture': ['bpmp/policy', 'bpmp/wire', 'errors', 'native'],
  'bpmp/backend': ['bpmp/tegra234', 'bpmp/wire', 'errors', 'native'],
  'bpmp/policy': ['bpmp/tegra234', 'bpmp/wire', 'nearest', 'errors'],
  'bpmp/tegra234': ['bpmp/wire'],
  'bpmp/wire': ['nearest', 'errors'],
  vfio: ['journal', 'finding', 'nearest', 'errors', 'native'],
  journal: ['errors', 'native'],
  native: ['errors'],
  finding: [],
  nearest: [],
  host: ['finding', 'nearest', 'errors', 'native'],
  errors: [],
};

/** Doors that open on less than the whole room: an interface without its implementations, or one of several bridges. */
const sideDoors = [
  'config/paths.ts',
  'bpmp/backend/backend.ts',
  'bpmp/backend/schema.ts',
  'bpmp/worker/thread.ts',
  'bpmp/bridge/bridge.ts',
  'bpmp/bridge/interposed/index.ts',
  'bpmp/bridge/vfio-user/index.ts',
  'vm/plan/index.ts',
  'vm/tree/expectations.ts',
  'vm/tree/planned.ts',
  'vm/request-events.ts',
  'qemu/platform-bus/index.ts',
  'host/systemd/index.ts',
  'vfio/device/index.ts',
  'host/checks/index.ts',
];

interface Import {
  readonly from: string;
  readonly to: string;
  readonly specifier: string;
}

const imports = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .flatMap((file) => importsOf(file));

function importsOf(file: string): Import[] {
  const text = readFileSync(join(src, file), 'utf8');
  const specifiers = [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map((match) => match[1]);
  return specifiers.map((specifier) => ({
    from: file,
    to: relative(src, resolve(src, dirname(file), specifier)).replace(/\.js$/, '.ts'),
    specifier,
  }));
}

/** `bpmp/policy` for bpmp/policy/index.ts, `qmp` for qmp/client.ts, `errors` for errors.ts. */
function roomOf(file: string): string {
  const parts = file.replace(/\.ts$/, '').split('/');
  return parts[0] === 'bpmp' ? parts.slice(0, 2).join('/') : parts[0];
}

/** The vfio-user library: apart from what is served on it, as others are to use it too. */
const library = /^bpmp\/bridge\/vfio-user\/(memory|pci|protocol|transport)\//;

describe('the rooms', () => {
  it('reads the imports of every file', () => {
    expect(imports.length).toBeGreaterThan(100);
  });

  it('import downwards only', () => {
    const upwards = imports
      .filter(
        ({ from, to }) =>
          roomOf(from) !== roomOf(to) && !(mayImport[roomOf(from)] ?? []).includes(roomOf(to)),
      )
      .map(({ from, to }) => `${from} imports ${to}`);
    expect(upwards).toEqual([]);
  });

  it('are all known here', () => {
    const unknown = [...new Set(imports.map(({ from }) => roomOf(from)))].filter(
      (room) => !(room in mayImport),
    );
    expect(unknown).toEqual([]);
  });

  it('are entered by their door', () => {
    const aside = imports
      .filter(({ from, to }) => {
        const room = roomOf(to);
        if (roomOf(from) === room || !to.includes('/')) return false;
        const doors = [`${room}/index.ts`, ...sideDoors];
        return !doors.includes(to);
      })
      .map(({ from, to }) => `${from} imports ${to}`);
    expect(aside).toEqual([]);
  });

  it('that make the vfio-user library know nothing of a BPMP', () => {
    const known = /^(errors|native\/index)\.ts$/;
    const outside = imports
      .filter(({ from, to }) => library.test(from) && !library.test(to) && !known.test(to))
      .map(({ from, to }) => `${from} imports ${to}`);
    expect(outside).toEqual([]);
  });

  it('that are served by the vfio-user library enter it by its door', () => {
    const aside = imports
      .filter(
        ({ from, to }) => !library.test(from) && library.test(to) && !from.endsWith('vfio-user/library.ts'),
      )
      .map(({ from, to }) => `${from} imports ${to}`);
    expect(aside).toEqual([]);
  });

  it('have no circles', () => {
    const seen = new Map<string, 'open' | 'done'>();
    const circles: string[] = [];
    const visit = (room: string, path: readonly string[]): void => {
      if (seen.get(room) === 'done') return;
      if (seen.get(room) === 'open') return void circles.push([...path, room].join(' → '));
      seen.set(room, 'open');
      for (const below of mayImport[room] ?? []) visit(below, [...path, room]);
      seen.set(room, 'done');
    };
    for (const room of Object.keys(mayImport)) visit(room, []);
    expect(circles).toEqual([]);
  });

  it('take of zod what they use: a bundle holds all of it otherwise, and takes its time to start', () => {
    const whole = readdirSync(src, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .filter((file) => /^import \{.*\} from 'zod'/m.test(readFileSync(join(src, file), 'utf8')));
    expect(whole).toEqual([]);
  });
});
