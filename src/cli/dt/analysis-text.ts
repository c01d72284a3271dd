import { isEnabled } from '../../devicetree/index.js';
import {
  type Analysis,
  type AnalyzedDevice,
  type AnalyzedResource,
  type Consequence,
  type Related,
  type ResourceKind,
  shortNameOf,
} from '../../passthrough/index.js';
import { columns } from '../devices/columns.js';
import { sizeText } from '../plan/quantities.js';
import type { StreamTexts } from './stream-text.js';

export const kindNames: Readonly<Record<ResourceKind, string>> = {
  clocks: 'clock',
  resets: 'reset',
  powerDomains: 'power domain',
};

const headings: readonly (readonly [Consequence, string])[] = [
  ['move', 'Must go along, or be switched off on the host:'],
  ['gone', 'Gone from the host with them:'],
  ['breaks', 'Stays on the host and misses them:'],
  ['none', 'Switched off on the host; switched on, it would be one of the above:'],
];

/** What was found, for people: each device, who hangs together with them, what is shared. */
export function analysisLines({ devices, related, resources }: Analysis, streams: StreamTexts): string[] {
  const lines = devices.flatMap((device) => [...deviceLines(device, resources, streams), '']);
  for (const [consequence, heading] of headings) {
    const found = mergedByNode(related.filter((each) => each.consequence === consequence));
    if (found.length === 0) continue;
    const rows = found.map(({ node, whys }) => [
      `  ${shortNameOf(node)}`,
      streams.ofNode(node) || 'no stream',
      [...whys, ...(isEnabled(node) || consequence === 'none' ? [] : ['switched off itself'])].join('; '),
    ]);
    lines.push(heading, ...columns(rows), '');
  }
  const shared = resources.filter(({ isShared }) => isShared);
  lines.push(
    shared.length > 0
      ? 'Shared with what stays: the VM may switch these on and read them, and nothing else:'
      : 'Shared with what stays: no clock, reset or power domain.',
    ...shared.flatMap(sharedLines),
  );
  const would = resources.filter(({ isShared, users }) => !isShared && users.length > 0);
  if (would.length > 0)
    lines.push('', 'Would be shared, were these switched on:', ...would.flatMap(sharedLines));
  return lines;
}

function deviceLines(
  { device, isAsked, streams: own, lines, memory, interconnects, needs }: AnalyzedDevice,
  resources: readonly AnalyzedResource[],
  streams: StreamTexts,
): string[] {
  const { node, name, host, profile, regions } = device;
  const where = node
    ? `${node.path}${isEnabled(node) ? '' : ', switched off'}`
    : `not in this tree: by the profile ${profile?.name}`;
  const of = (kind: ResourceKind) =>
    resources
      .filter((each) => each.kind === kind && each.uses.some((use) => use.device === name))
      .map((each) => `${each.name} (${each.id}${each.isShared ? ', shared' : ''})`);
  const rows = [
    ['registers', regions.map(({ address, size }) => `0x${address.toString(16)} ${sizeText(size)}`)],
    ['streams', own.length > 0 ? streams.merged(own) : ['none: VFIO takes no device without an IOMMU group']],
    ['interrupts', lines.map(({ text, as }) => (as === undefined ? text : `${text} ${as}`))],
    ['clocks', of('clocks')],
    ['resets', of('resets')],
    ['domains', of('powerDomains')],
    [
      'bandwidth',
      interconnects.map((each) => `${shortNameOf(each.node)} client 0x${(each.args[0] ?? 0).toString(16)}`),
    ],
    [
      'memory',
      memory.map(
        (each) => `${each.node.name}${each.usedBy.length > 0 ? ` (also ${each.usedBy.join(', ')})` : ''}`,
      ),
    ],
    [
      'refers to',
      needs.map(
        (each) =>
          `${shortNameOf(each.node)} by ${each.property}${each.dropped === undefined ? '' : ' (not in the guest)'}`,
      ),
    ],
  ] as const;
  return [
    `${name}  ${host}${isAsked ? '' : '  (must go along)'}`,
    `  ${where}`,
    ...rows.flatMap(([label, values]) =>
      values.length > 0 ? folded(`  ${label.padEnd(10)}  `, [...new Set(values)]) : [],
    ),
  ];
}

const WIDTH = 120;

/** Values after a label, on as many lines as they take. */
function folded(label: string, values: readonly string[]): string[] {
  const lines = [label];
  for (const [at, value] of values.entries()) {
    const text = at === values.length - 1 ? value : `${value}, `;
    const last = lines.at(-1)!;
    if (last.length + text.trimEnd().length > WIDTH && last.length > label.length)
      lines.push(' '.repeat(label.length) + text);
    else lines[lines.length - 1] = last + text;
  }
  return lines.map((line) => line.trimEnd());
}

function sharedLines({ kind, name, id, uses, users, isShared }: AnalyzedResource): string[] {
  const who = users
    .filter((user) => user.isEnabled === isShared)
    .map(({ name, property, as }) => `${name} (${property}${as === undefined ? '' : ` "${as}"`})`);
  const ours = [...new Set(uses.map(({ device }) => device))];
  const others = who.length > 0 ? who : ['everything: it is a root of the clocks'];
  return folded(`  ${kindNames[kind]} ${name} (${id}), of ${ours.join(', ')}: `, others);
}

/** One line for each node, whatever it was found by. */
function mergedByNode(related: readonly Related[]): { node: Related['node']; whys: string[] }[] {
  const found = new Map<Related['node'], string[]>();
  for (const { node, why } of related) {
    const whys = found.get(node) ?? [];
    if (!whys.includes(why)) whys.push(why);
    found.set(node, whys);
  }
  return [...found].map(([node, whys]) => ({ node, whys }));
}
