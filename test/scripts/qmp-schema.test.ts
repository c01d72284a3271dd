import { expect, it } from 'vitest';
import { schemaOf } from '../../scripts/lib/qmp-schema/ask.js';
import { versionsOf } from '../../scripts/lib/qmp-schema/versions.js';
import { writeAnswers, writeArguments } from '../../scripts/lib/qmp-schema/write.js';

const basics = [
  { name: 'str', 'meta-type': 'builtin', 'json-type': 'string' },
  { name: 'int', 'meta-type': 'builtin', 'json-type': 'int' },
  { name: 'null', 'meta-type': 'builtin', 'json-type': 'null' },
  { name: '0', 'meta-type': 'object', members: [] },
];
const newer = schemaOf('2.0 arm', [
  ...basics,
  { name: 'fly', 'meta-type': 'command', 'arg-type': '1', 'ret-type': '[2]', 'allow-oob': true },
  { name: 'land', 'meta-type': 'command', 'arg-type': '3', 'ret-type': '0', features: ['deprecated'] },
  { name: 'WIND_CHANGE', 'meta-type': 'event', 'arg-type': '4' },
  {
    name: '1',
    'meta-type': 'object',
    members: [
      { name: 'kind', type: '5' },
      { name: 'max-height', type: 'int', default: null },
    ],
    tag: 'kind',
    variants: [
      { case: 'kite', type: '6' },
      { case: 'glider', type: '0' },
      { case: 'balloon', type: '0' },
    ],
  },
  // A tree: it holds itself by way of an array.
  { name: '[2]', 'meta-type': 'array', 'element-type': '2' },
  { name: '2', 'meta-type': 'object', members: [{ name: 'below', type: '[2]' }] },
  { name: '3', 'meta-type': 'object', members: [{ name: 'where', type: '7' }] },
  { name: '4', 'meta-type': 'object', members: [{ name: 'from', type: '8', features: ['deprecated'] }] },
  { name: '5', 'meta-type': 'enum', members: [{ name: 'kite' }, { name: 'glider' }, { name: 'balloon' }] },
  { name: '6', 'meta-type': 'object', members: [{ name: 'line', type: 'str' }] },
  { name: '7', 'meta-type': 'alternate', members: [{ type: 'str' }, { type: 'null' }] },
  { name: '8', 'meta-type': 'enum', members: [{ name: 'north' }, { name: 'south' }] },
]);
const older = schemaOf('1.0 arm', [
  ...basics,
  { name: 'land', 'meta-type': 'command', 'arg-type': '9', 'ret-type': '0' },
  { name: 'moor', 'meta-type': 'command', 'arg-type': '0', 'ret-type': 'str' },
  { name: '9', 'meta-type': 'object', members: [{ name: 'gently', type: 'int' }] },
]);

it('writes arguments: variants, alternates, integers that may be bigints', () => {
  const text = writeArguments([newer, older]);
  expect(text).toContain(
    "/** May be sent out of band. Not in QEMU 1.0 arm. */ fly: { 'max-height'?: Int } & ({ kind: 'kite'; line: string } | { kind: 'glider' | 'balloon' });",
  );
  expect(text).toContain('/** @deprecated */ land: { where: string | null };');
  expect(text).toContain('/** Not in QEMU 2.0 arm. */ moor: Empty;');
});

it('writes answers: a type that holds itself has a name', () => {
  const text = writeAnswers([newer, older]);
  expect(text).toContain('export type FlyItem = { below: FlyItem[] };');
  expect(text).toContain('fly: FlyItem[];');
  expect(text).toContain("WIND_CHANGE: { /** @deprecated */ from: 'north' | 'south' };");
  expect(text).toContain('moor: string;');
});

it('lists where versions differ, and nothing else', () => {
  expect(versionsOf([newer, older])).toEqual({
    schemas: ['2.0 arm', '1.0 arm'],
    commands: { fly: ['2.0 arm'], moor: ['1.0 arm'] },
    events: { WIND_CHANGE: ['2.0 arm'] },
    members: { 'land(gently)': ['1.0 arm'], 'land(where)': ['2.0 arm'] },
  });
});
