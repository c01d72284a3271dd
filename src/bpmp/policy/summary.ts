import type { ResourceTable } from '../wire/index.js';
import type { CompiledPolicy } from './compiled.js';

/** What a policy comes to, by names: for people and for JSON. */
export interface PolicySummary {
  readonly chip: string;
  readonly view: CompiledPolicy['view'];
  readonly mode: CompiledPolicy['mode'];
  readonly shared: CompiledPolicy['shared'];
  readonly limit: CompiledPolicy['limit'] | null;
  /** What the guest has any right to: clocks, resets, power domains. */
  readonly granted: Readonly<Record<string, readonly string[]>>;
  /** What is carried out while the policy learns; absent where nothing is. */
  readonly forwarded?: Readonly<Record<string, readonly string[]>>;
}

export function summaryOf(policy: CompiledPolicy): PolicySummary {
  const { chip, view, mode, shared, limit, grantedClocks, grantedResets, grantedPowerDomains } = policy;
  const { forwarded } = policy;
  const named = (table: ResourceTable, ids: Iterable<number>) =>
    [...ids].map((id) => table.nameOf(id) ?? String(id));
  return {
    chip: chip.chip,
    view,
    mode,
    shared,
    limit: limit ?? null,
    granted: {
      clocks: named(chip.clocks, grantedClocks),
      resets: named(chip.resets, grantedResets),
      'power domains': named(chip.powerDomains, grantedPowerDomains),
    },
    ...(forwarded && {
      forwarded: {
        clocks: named(chip.clocks, forwarded.clocks),
        resets: named(chip.resets, forwarded.resets),
        'power domains': named(chip.powerDomains, forwarded.powerDomains),
      },
    }),
  };
}

/** The first line says how the policy works, the others what it grants. */
export function summaryLines(summary: PolicySummary): string[] {
  const { chip, mode, view, shared, limit, granted, forwarded = {} } = summary;
  const rate = limit ? `, at most ${limit.perSecond} requests a second` : '';
  return [
    `${chip}, mode ${mode}, view ${view}, changes to shared resources: ${shared}${rate}`,
    ...Object.entries(granted).map(([kind, names]) => `${kind}: ${names.join(', ') || 'none'}`),
    ...Object.entries(forwarded).flatMap(([kind, names]) =>
      names.length > 0 ? [`${kind} whose changes are forwarded while learning: ${names.join(', ')}`] : [],
    ),
  ];
}
