import type { PlatformDevice } from '../../config/index.js';
import { applyOverlay, cloneTree, parseTree, type Tree, writeTree } from '../../devicetree/index.js';
import { GpuvmError } from '../../errors.js';
import type { Finding } from '../../finding.js';
import type { AllowList } from '../allow-list/index.js';
import { isStandIn, type ResolvedDevice, resolveDevices } from '../guest-tree/index.js';
import type { DeviceProfile } from '../profiles/index.js';
import { appliedFindings } from './applied.js';
import { addCarveOut } from './carve-outs.js';
import { chooseStreams } from './choose-stream.js';
import { Draft } from './draft.js';
import { deviceFindings } from './findings.js';
import { carveOutFindings } from './memory-findings.js';
import { switchOffOthers } from './others.js';
import { addProxy } from './proxy.js';
import { overlaySource } from './source.js';
import { CARVE_OUT_STREAM, streamFindings, streamNamed } from './streams.js';
import { type TakenDevice, take } from './take.js';

export interface HostOverlayRequest {
  /** The host's tree, without such an overlay. */
  readonly tree: Tree;
  /** What to call it. */
  readonly from: string;
  readonly vm: string;
  readonly devices: readonly PlatformDevice[];
  readonly profiles: readonly DeviceProfile[];
  /** What /dev/bpmp-host is to let through; undefined for a host without that. */
  readonly allowList: AllowList | undefined;
}

export interface HostOverlay {
  readonly devices: readonly TakenDevice[];
  /** `fail`: the VM would not get what it is to get. */
  readonly findings: readonly Finding[];
  readonly blob: Uint8Array;
  readonly source: string;
  /** The host's tree with the overlay in it. */
  readonly applied: Tree;
}

/**
 * The overlay that takes a VM's platform devices from the host's drivers, for one host's tree, which stays as it is.
 * Throws GPUVM_CONFIG where a device cannot be described; `details.mistakes` has a line for each.
 */
export function makeHostOverlay(request: HostOverlayRequest): HostOverlay {
  const { tree, from, vm, profiles, allowList } = request;
  const { devices } = resolveDevices(request.devices, { tree, from }, profiles);
  refuseSecond(devices, from);
  const draft = new Draft(tree);
  const carveOuts = devices.filter(({ isCarveOut }) => isCarveOut);
  const real = devices.filter(({ isCarveOut }) => !isCarveOut);
  const streams = chooseStreams(draft, real);
  const findings: Finding[] = [...carveOutFindings(tree, from, carveOuts)];
  const leaving = new Set(real.flatMap(({ shape }) => shape ?? []));
  for (const device of carveOuts) addCarveOut(draft, device);
  const made = real.map((device) =>
    take(draft, device, { profiles, leaving, stream: streams.get(device)!.stream }),
  );
  for (const device of real) switchOffOthers(draft, device);
  const taken = [
    ...carveOuts.map(({ host }) => ({ host, streams: [streamNamed(tree, CARVE_OUT_STREAM, host)] })),
    ...[...streams].map(([{ host }, { all }]) => ({ host, streams: all })),
  ];
  findings.push(...streamFindings(tree, taken, leaving, draft));
  for (const device of real) findings.push(...deviceFindings(device, from, leaving, streams.get(device)!));
  if (allowList) addProxy(draft, allowList);
  const blob = writeTree(draft.builder.build());
  const applied = cloneTree(tree);
  applyOverlay(applied, parseTree(blob));
  findings.push(...appliedFindings(applied, devices));
  return {
    devices: [
      ...carveOuts.map(({ host }) => ({ host, profile: 'carve-out', how: 'carve-out' as const })),
      ...made,
    ],
    findings,
    blob,
    source: overlaySource(draft, { from, vm }),
    applied,
  };
}

/** An overlay over an overlay would say of a dummy what it is. */
function refuseSecond(devices: readonly ResolvedDevice[], from: string): void {
  const first = devices.find(({ shape }) => shape && isStandIn(shape));
  if (first)
    throw new GpuvmError(
      'GPUVM_CONFIG',
      `${from} has an overlay for VFIO in it already: ${first.shape!.path} is for a dummy driver: give the host's tree without it`,
    );
}
