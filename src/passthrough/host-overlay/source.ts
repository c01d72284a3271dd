import { printOverlay } from '../../devicetree/index.js';
import type { Draft } from './draft.js';

/** The overlay as source for dtc, with the reasons in it. */
export function overlaySource(
  draft: Draft,
  { from, vm }: { readonly from: string; readonly vm: string },
): string {
  const about = [
    `Gives devices of the host to the VM ${vm}: an overlay for ${from.replace(/^.*\//, '')}, made by gpuvm dt overlay.`,
    '',
    'Each device is given a dummy compatible, so that no driver of the host takes it, the stream of an IOMMU, and',
    'dma-coherent. An overlay takes nothing away: a node that has to go is switched off and made anew beside, and dtc',
    'warns of two nodes with one address (unique_unit_address), of which one is on; a property that has to go is emptied.',
  ];
  const source = printOverlay(draft.builder, { nameOf: draft.nameOf, remarksOf: draft.remarksOf });
  return `/*\n${about.map((line) => ` * ${line}`.trimEnd()).join('\n')}\n */\n${source}`;
}
