import { type BpmpStatus, listVms } from '../../../control/index.js';
import { GpuvmError } from '../../../errors.js';
import type { Where } from './where.js';

/** Which running VMs hold what, by `clock GPUSYS`, `power domain GPU` and the like. */
export type Holders = ReadonlyMap<string, readonly string[]>;

/** Of the VMs that are on the same BPMP as what is asked; one that does not answer holds nothing that is known. */
export async function readHolders({ vm, device }: Where, env = process.env): Promise<Holders> {
  const reports = vm && (await vm.client.bpmp());
  // A VM on a model of its own shares it with nobody.
  if (reports?.backend.kind === 'simulated') return holdersOf([reports]);
  if (device === undefined && vm === undefined) return new Map();
  const { vms } = await listVms(env);
  const { ControlClient } = await import('../../../control/index.js');
  const asked = vms.map(async ({ path }) => {
    try {
      return await new ControlClient({ path, deadlineMs: 2_000 }).bpmp();
    } catch (error) {
      if (!GpuvmError.is(error)) throw error;
      return undefined;
    }
  });
  const all = (await Promise.all(asked)).filter((report) => report !== undefined);
  return holdersOf(all.filter(({ backend }) => backend.kind === 'host-device'));
}

function holdersOf(reports: readonly BpmpStatus[]): Holders {
  const holders = new Map<string, string[]>();
  for (const { vm, holdings } of reports)
    for (const { resource } of holdings) {
      // A clock's rate and parent are held with the clock.
      const what = resource.replace(/^clock (rate|parent) /, 'clock ');
      const names = holders.get(what) ?? [];
      if (!names.includes(vm)) names.push(vm);
      holders.set(what, names);
    }
  return holders;
}
