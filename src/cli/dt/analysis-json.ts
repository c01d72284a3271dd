import { isEnabled } from '../../devicetree/index.js';
import {
  type Analysis,
  type AnalyzedDevice,
  type Needed,
  type Stream,
  shortNameOf,
} from '../../passthrough/index.js';
import type { StreamTexts } from './stream-text.js';

/** The same for programs: nodes by their paths. */
export function analysisJson({ devices, related, resources }: Analysis, from: string, streams: StreamTexts) {
  return {
    tree: from,
    devices: devices.map((device) => deviceJson(device, streams)),
    related: related.map(({ node, relation, consequence, to, property, why }) => ({
      path: node.path,
      name: shortNameOf(node),
      relation,
      consequence,
      enabled: isEnabled(node),
      to,
      property: property ?? null,
      why,
      streams: streams.of(node).map((each) => streamJson(each, streams)),
    })),
    resources: resources.map(({ kind, id, name, uses, users, isShared }) => ({
      kind,
      id,
      name,
      shared: isShared,
      devices: uses,
      usedBy: users.map(({ isEnabled: enabled, ...user }) => ({ ...user, enabled })),
    })),
  };
}

function deviceJson(
  { device, isAsked, streams: own, lines, memory, interconnects, needs }: AnalyzedDevice,
  streams: StreamTexts,
) {
  const { name, host, node, profile, regions } = device;
  return {
    name,
    host,
    path: node?.path ?? null,
    enabled: node ? isEnabled(node) : null,
    asked: isAsked,
    profile: profile?.name ?? null,
    regions: regions.map(({ address, size }) => ({
      address: `0x${address.toString(16)}`,
      size: `0x${size.toString(16)}`,
    })),
    streams: own.map((each) => streamJson(each, streams)),
    interrupts: lines.map(({ controller, text, as }) => ({
      controller: controller?.path ?? null,
      line: text,
      name: as ?? null,
    })),
    memoryRegions: memory.map((each) => ({ path: each.node.path, usedBy: each.usedBy })),
    interconnects: interconnects.map(neededJson),
    refersTo: needs.map(neededJson),
  };
}

function neededJson({ property, node, args, dropped }: Needed): Record<string, unknown> {
  return { path: node.path, property, args, droppedFromGuest: dropped ?? null };
}

function streamJson({ iommu, first, count, name, property }: Stream, streams: StreamTexts) {
  return { iommu: streams.iommu(iommu), path: iommu.path, id: first, count, name: name ?? null, property };
}
