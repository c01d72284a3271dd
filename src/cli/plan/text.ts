import { summaryLines } from '../../bpmp/policy/index.js';
import type { HostStep } from '../../journal/index.js';
import type { MapEntry, Plan, PlannedDevice } from '../../vm/plan/index.js';
import { shellCommand, shellWord } from './argv.js';
import { rangeText, sizeText } from './quantities.js';
import { type Column, table, wrapped } from './table.js';

const WIDTH = 100;

/** The plan for people, in sections. */
export function planText(plan: Plan): string[] {
  const { bus, devices, steps, memoryMap, policy, supervision } = plan;
  return [
    `${plan.name} (${plan.file})`,
    ...section(
      'Devices of the host, as the guest will see them',
      devices.length > 0 ? deviceLines(devices) : [],
    ),
    ...section(
      "The guest's memory",
      memoryMap.length > 0 ? mapLines(memoryMap) : [],
      bus && `${bus.kind} layout: ${bus.because}`,
    ),
    ...section('Changes to the host, in this order; undone in reverse', steps.flatMap(stepLines)),
    ...section('QEMU', shellCommand([plan.program, ...plan.argv]).split('\n')),
    ...section(
      'A supervised run adds',
      shellCommand(['', ...supervision])
        .split('\n')
        .slice(1),
    ),
    ...section(
      policy ? `Policy ${policy.file}` : 'Policy',
      policy ? summaryLines(policy).flatMap((line) => wrapped(line, WIDTH - 2)) : [],
    ),
  ];
}

function section(title: string, lines: readonly string[], note?: string): string[] {
  const body = lines.length === 0 ? ['none'] : lines;
  const notes = note === undefined ? [] : wrapped(note, WIDTH - 2);
  return ['', title, ...notes.map((line) => `  ${line}`), ...body.map((line) => `  ${line}`)];
}

const deviceColumns: readonly Column[] = [{}, {}, { right: true }, {}];

function deviceLines(devices: readonly PlannedDevice[]): string[] {
  const rows = devices.flatMap(({ host, regions, spis }) => {
    const lines = spisText(spis);
    if (regions === undefined || regions.length === 0)
      return [[host, regions ? 'no memory' : 'not known', '', lines]];
    return regions.map(({ address, size }, index) => [
      index === 0 ? host : '',
      address === undefined ? 'not known' : rangeText(address, size),
      sizeText(size),
      index === 0 ? lines : '',
    ]);
  });
  return table([['device', 'addresses', 'size', 'SPIs'], ...rows], deviceColumns);
}

function spisText(spis: readonly number[] | undefined): string {
  if (spis === undefined) return 'not known';
  if (spis.length === 0) return 'none';
  // They come in a row: whoever takes the lowest free one each time leaves no gap.
  return spis.length === 1 ? `${spis[0]}` : `${spis[0]}-${spis.at(-1)}`;
}

function mapLines(map: readonly MapEntry[]): string[] {
  const rows = map.map(({ name, address, size, inside }) => [
    rangeText(address, size),
    sizeText(size),
    `${inside ? '  ' : ''}${name}`,
  ]);
  return table(rows, [{}, { right: true }, {}]);
}

function stepLines(step: HostStep, index: number): string[] {
  const number = `${index + 1}. `.padStart(4);
  const indent = ' '.repeat(number.length);
  const line = (word: string, text: string) => `${indent}${word.padEnd(6)}${text}`;
  const what = `${number}${step.what}`;
  switch (step.kind) {
    case 'write':
      return [
        what,
        line('do', write(step.value, step.path)),
        line('undo', step.undo ? write(step.undo.value, step.undo.path) : `none${reason(step.irrevocable)}`),
      ];
    case 'owner': {
      const { uid, gid, mode } = step;
      const owner = uid === undefined && gid === undefined ? '' : `owner ${uid ?? ''}:${gid ?? ''} `;
      const bits = mode === undefined ? '' : `mode ${mode.toString(8)} `;
      return [what, line('do', `${owner}${bits}${step.path}`), line('undo', 'owner and mode as they were')];
    }
    case 'file':
      return [what, line('do', `write ${step.path}`), line('undo', 'the file as it was')];
  }
}

function reason(irrevocable: string | undefined): string {
  return irrevocable === undefined ? '' : `: ${irrevocable}`;
}

function write(value: string, path: string): string {
  return `echo ${value === '\n' ? '' : `${shellWord(value)} `}> ${path}`;
}
