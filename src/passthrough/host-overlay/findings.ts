import { isEnabled, type TreeNode } from '../../devicetree/index.js';
import type { Finding } from '../../finding.js';
import { isWithin } from '../analysis/index.js';
import type { ResolvedDevice } from '../guest-tree/index.js';
import { shortNameOf } from '../names.js';
import type { ChosenStream } from './choose-stream.js';
import { labelled } from './streams.js';

/** What a person should know of one device before the host has it no more. */
export function* deviceFindings(
  { host, shape, profile }: ResolvedDevice,
  from: string,
  leaving: ReadonlySet<TreeNode>,
  { stream, without }: ChosenStream,
): Generator<Finding> {
  const id = `host-overlay.device/${host}`;
  if (shape === undefined)
    yield {
      id,
      status: 'warn',
      what: `${host}: the overlay has its registers, interrupts and clocks from the profile ${profile.name}, as ${from} has no node of it`,
      evidence: profile.known?.source ?? 'the VM file',
      fix: 'give the tree that the host boots with',
      device: host,
    };
  if (stream && without.length > 0)
    yield {
      id: `host-overlay.stream/${host}`,
      status: 'warn',
      what: `${host} is put behind ${labelled(stream)}, and what it does by ${without.map(labelled).join(', ')} is not translated for the VM`,
      evidence: `${shape?.path}: iommus`,
      device: host,
    };
  const lost = [...(shape?.children ?? [])].filter(
    (child) =>
      child.get('compatible') &&
      child.get('reg') &&
      isEnabled(child) &&
      !isWithin(child, new Set([...leaving].filter((each) => each !== shape))),
  );
  if (lost.length > 0)
    yield {
      id,
      status: 'warn',
      what: `${host} takes ${lost.map(shortNameOf).join(', ')} from the host, which nobody makes devices of without it`,
      evidence: shape!.path,
      fix: 'see gpuvm dt analyze',
      device: host,
    };
}
