import { cells } from '../../devicetree/index.js';
import { GpuvmError } from '../../errors.js';
import { type ResourceKind, resourceKinds } from '../analysis/index.js';
import type { AllowEntry, AllowList } from './allow-list.js';

/** What the host's driver takes of each: it ignores the rest. */
const MOST_ENTRIES = 256;

/** The properties of the host's `nvidia,bpmp-host-proxy` node. */
export const allowedProperty: Readonly<Record<ResourceKind, string>> = {
  clocks: 'allowed-clocks',
  resets: 'allowed-resets',
  powerDomains: 'allowed-power-domains',
};

/** The list as the driver behind /dev/bpmp-host takes it: a property for each kind that has entries. */
export function allowedProperties(list: AllowList): Map<string, Uint8Array> {
  return new Map(
    kindsIn(list).map(({ property, entries }) => [property, cells(...entries.map(({ id }) => id))]),
  );
}

/** The node as source, with names behind the numbers. */
export function allowedSource(list: AllowList): string {
  const lines = kindsIn(list).flatMap(({ property, entries }) => [
    `\t${property} =`,
    ...entries.map(
      ({ id, name, shared }, at) =>
        `\t\t<${id}>${at === entries.length - 1 ? ';' : ','} /* ${name}${shared ? ', shared' : ''} */`,
    ),
  ]);
  return [
    'bpmp_host_proxy: bpmp_host_proxy {',
    '\tcompatible = "nvidia,bpmp-host-proxy";',
    ...lines,
    '\tstatus = "okay";',
    '};',
    '',
  ].join('\n');
}

interface Written {
  readonly property: string;
  readonly entries: readonly AllowEntry[];
}

/** Throws GPUVM_CONFIG where there are more than the driver takes. */
function kindsIn(list: AllowList): Written[] {
  return resourceKinds
    .map((kind) => ({ property: allowedProperty[kind], entries: list[kind] }))
    .filter(({ entries }) => entries.length > 0)
    .map((written) => {
      const { property, entries } = written;
      if (entries.length <= MOST_ENTRIES) return written;
      throw new GpuvmError(
        'GPUVM_CONFIG',
        `${property} would have ${entries.length} entries, and the driver behind /dev/bpmp-host takes ${MOST_ENTRIES}`,
      );
    });
}
