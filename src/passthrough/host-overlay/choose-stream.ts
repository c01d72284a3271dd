import { GpuvmError } from '../../errors.js';
import { type Stream, streamsOf } from '../analysis/index.js';
import { addressIn, type ResolvedDevice } from '../guest-tree/index.js';
import type { Draft } from './draft.js';
import { streamNamed } from './streams.js';

export interface ChosenStream {
  /** What the overlay gives the device; undefined where its node has one already. */
  readonly stream: Stream | undefined;
  readonly all: readonly Stream[];
  /** The tree's, that it does without. */
  readonly without: readonly Stream[];
}

/** Throws GPUVM_CONFIG, with all that have none. */
export function chooseStreams(
  draft: Draft,
  devices: readonly ResolvedDevice[],
): Map<ResolvedDevice, ChosenStream> {
  const chosen = new Map(devices.map((device) => [device, streamFor(draft, device)]));
  const mistakes = devices.filter((device) => chosen.get(device) === undefined).map(lacksStream);
  if (mistakes.length > 0) {
    const more = mistakes.length > 1 ? ` (and ${mistakes.length - 1} more)` : '';
    throw new GpuvmError('GPUVM_CONFIG', `${mistakes[0]}${more}`, { details: { mistakes } });
  }
  return chosen as Map<ResolvedDevice, ChosenStream>;
}

function lacksStream({ host, shape }: ResolvedDevice): string {
  const where = shape ? `${shape.path} has no iommus` : "the host's tree has no node of it";
  return `${host}: by which stream it does DMA is not known, and VFIO takes no device without an IOMMU: ${where}; give a profile with host.stream (deviceTree.profiles)`;
}

function streamFor(draft: Draft, { host, shape, profile }: ResolvedDevice): ChosenStream | undefined {
  const own = shape ? streamsOf(shape, draft.phandles).filter(({ property }) => property === 'iommus') : [];
  const { known, host: rules } = profile;
  // Another of the same kind has another stream.
  const isMeant = known === undefined || known.regions[0]?.address === addressIn(host);
  const wanted = isMeant ? rules.stream : undefined;
  if (own.length > 0 && !wanted?.isInstead) return { stream: undefined, all: own, without: [] };
  if (wanted === undefined) return undefined;
  const stream = streamNamed(draft.tree, wanted, host);
  return { stream, all: [stream], without: own };
}
