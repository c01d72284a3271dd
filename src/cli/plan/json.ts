import type { Place } from '../../errors.js';
import type { Plan, PlanFinding } from '../../vm/plan/index.js';

export type FindingWithPlace = Omit<PlanFinding, 'at'> & { readonly place?: Place };

/** The plan as JSON has it: addresses and sizes as hexadecimal text, null for what cannot be said. */
export function planJson(plan: Plan, findings: readonly FindingWithPlace[], ok: boolean) {
  const { name, file, bus, devices, steps, program, argv, supervision, memoryMap, policy, hostTree } = plan;
  return {
    ok,
    name,
    file,
    platformBus: devices.map(({ host, regions, spis }) => ({
      host,
      regions: regions?.map(({ address, size }) => ({ address: hex(address), size: hex(size) })) ?? null,
      spis: spis ?? null,
    })),
    bus: bus
      ? {
          kind: bus.kind,
          because: bus.because,
          base: hex(bus.base),
          size: hex(bus.size),
          firstSpi: bus.firstSpi,
          spis: bus.spis,
          ramBase: hex(bus.ramBase),
          ramSize: hex(bus.ramSize),
          pageSize: hex(bus.pageSize),
        }
      : null,
    steps,
    argv: [program, ...argv],
    supervision,
    memoryMap: memoryMap.map(({ address, size, ...entry }) => ({
      ...entry,
      address: hex(address),
      size: hex(size),
    })),
    policy: policy ?? null,
    hostTree: hostTree ?? null,
    findings,
  };
}

function hex(value: bigint | undefined): string | null {
  return value === undefined ? null : `0x${value.toString(16)}`;
}
