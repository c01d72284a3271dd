import { type ResourceKind, resourceKinds, tableOf } from '../analysis/index.js';
import type { AllowEntry, AllowList } from './allow-list.js';

/**
 * The list as a policy: each entry with its reason behind it, by device. `gpuvm policy check` takes it as it is.
 * @param from where the host's tree was read, for its reader
 */
export function policyText(list: AllowList, from: string): string {
  const names = list.devices.map(({ name }) => name);
  const lines = [
    ...wrapped(`The policy of a VM with ${names.join(', ')}, by the device tree ${from}.`),
    ...(list.isClosed
      ? []
      : wrapped(
          'The clocks above these are not in it: gpuvm asks the BPMP for them when the VM starts, and shares them.',
        )),
    'version: 1',
    'chip: tegra234',
    'view: filtered',
    'mode: enforce',
    '',
    '# What the guest does to what the host uses too is answered as done, and not done.',
    'shared: absorb',
  ];
  for (const kind of resourceKinds) {
    const entries = list[kind];
    if (entries.length === 0) continue;
    lines.push('', `${kind}:`, ...section(kind, entries));
  }
  // What a tree calls its clocks may hold anything, and is to end no comment.
  return `${lines.map((line) => line.replace(/[^ -~]/g, '?')).join('\n')}\n`;
}

function section(kind: ResourceKind, entries: readonly AllowEntry[]): string[] {
  const lines: string[] = [];
  let device: string | undefined = '';
  for (const entry of entries) {
    const [first] = entry.devices;
    if (first !== device) {
      lines.push(
        `  # ${first ?? 'above these clocks: a guest enables and disables them along with its own'}`,
      );
      device = first;
    }
    lines.push(`  ${lineOf(kind, entry, first)}`);
  }
  return lines;
}

function lineOf(kind: ResourceKind, entry: AllowEntry, device: string | undefined): string {
  const { id, name, reason } = entry;
  if (tableOf[kind].nameOf(id) === undefined)
    return `# ${id}: ${commentOf(entry, device)}; the chip's tables have no such number, so it cannot be granted`;
  if (isLeftToRun(entry)) return `# ${name}: ${reason}, and nobody else's`;
  return `${name}: ${rightOf(entry)} # ${commentOf(entry, device)}`;
}

/**
 * A parent that nobody of the host uses needs no line: gpuvm finds and shares it by itself, and switches it off with the
 * guest, which a line would keep it from.
 */
function isLeftToRun({ devices, usedBy }: AllowEntry): boolean {
  return devices.length === 0 && usedBy.length === 0;
}

export function rightOf({ shared, right }: AllowEntry): string {
  if (!shared) return right;
  return right === 'tune' ? '{ right: tune, shared: true }' : 'shared';
}

const MOST_NAMES = 6;

/** Without the device's name where that stands above already. */
function commentOf({ reason: whole, usedBy }: AllowEntry, device: string | undefined): string {
  const reason = device === undefined ? whole : whole.replaceAll(`${device}: `, '');
  if (usedBy.length === 0) return reason;
  const more = usedBy.length > MOST_NAMES ? ` and ${usedBy.length - MOST_NAMES} more` : '';
  return `${reason}; also ${usedBy.slice(0, MOST_NAMES).join(', ')}${more}`;
}

function wrapped(text: string): string[] {
  const lines = ['#'];
  for (const word of text.split(' ')) {
    if (lines.at(-1)!.length + word.length > 110) lines.push('#');
    lines[lines.length - 1] += ` ${word}`;
  }
  return lines;
}
