import {
  type AddressRange,
  memoryRanges,
  overlaps,
  reservedMemory,
  reservedRanges,
  type Tree,
} from '../../devicetree/index.js';
import type { Finding } from '../../finding.js';
import { type ResolvedDevice, untold } from '../guest-tree/index.js';
import { isReserved } from './carve-outs.js';

const hex = (value: bigint) => `0x${value.toString(16)}`;
const lastOf = ({ address, size }: AddressRange) => hex(address + size - 1n);

/** What keeps carve-outs from being set aside. */
export function* carveOutFindings(
  tree: Tree,
  from: string,
  carveOuts: readonly ResolvedDevice[],
): Generator<Finding> {
  const memory = memoryRanges(tree).toSorted((a, b) => (a.address < b.address ? -1 : 1));
  const all = carveOuts.flatMap((device) => device.regions.map((range) => ({ device, range })));
  const finding = (host: string, status: Finding['status'], what: string, fix?: string): Finding => ({
    id: `host-overlay.carve-out/${host}`,
    status,
    what,
    evidence: `${from}: memory, /reserved-memory and /memreserve/`,
    ...(fix !== undefined && { fix }),
    device: host,
  });
  for (const [index, { device, range }] of all.entries()) {
    const { host } = device;
    const span = `${hex(range.address)} to ${lastOf(range)}`;
    for (const other of all.slice(0, index).filter((each) => overlaps(each.range, range)))
      yield finding(host, 'fail', `${host}, ${span}, is partly ${other.device.host} too`, 'move one of them');
    if (!isReserved(tree, range))
      for (const other of reservedRanges(tree).filter((each) => overlaps(each, range)))
        yield finding(
          host,
          'fail',
          `${host}, ${span}, is partly reserved for somebody else: ${other.by} has ${hex(other.address)} to ${lastOf(other)}`,
          'move the carve-out, or have the host do without that reservation',
        );
    if (memory.length > 0) yield* inMemory(device, range, span);
  }
  for (const { node, within } of reservedMemory(tree)) {
    const covering = all.filter(({ range }) => within.some((each) => overlaps(each, range)));
    if (within.length === 0 || !within.every((each) => covering.some(({ range }) => covers(range, each))))
      continue;
    const names = covering.map(({ device }) => device.host).join(', ');
    yield finding(
      covering[0]!.device.host,
      'fail',
      `${node.path} must lie in memory (alloc-ranges) that ${names} ${covering.length === 1 ? 'takes' : 'take'} whole`,
      'move the carve-out, or the pool',
    );
  }
  if (memory.length === 0 && all.length > 0)
    yield {
      id: 'host-overlay.memory',
      status: 'warn',
      what: `whether the carve-outs are in the host's RAM, and free, is not known: ${from} has no memory nodes, and what the firmware adds at boot is not in it`,
      evidence: `${from}: device_type = "memory"`,
      fix: 'hold them against System RAM and reserved in /proc/iomem on the host',
    };

  function* inMemory(device: ResolvedDevice, range: AddressRange, span: string): Generator<Finding> {
    const { host } = device;
    let covered = range.address;
    for (const { address, size } of memory)
      if (address <= covered && address + size > covered) covered = address + size;
    if (covered >= range.address + range.size) return;
    const inside = memory.some((each) => overlaps(each, range));
    if (inside)
      yield finding(
        host,
        'fail',
        `${host}, ${span}, is not all RAM: the host's ends or has a gap at ${hex(covered)}`,
      );
    else if (untold(device) === undefined)
      yield finding(host, 'fail', `${host}, ${span}, is nowhere in the host's RAM`);
  }
}

const covers = (range: AddressRange, other: AddressRange) =>
  range.address <= other.address && range.address + range.size >= other.address + other.size;
