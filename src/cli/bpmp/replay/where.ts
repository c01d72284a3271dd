import { type Backend, createBackend, SimulatedBpmp } from '../../../bpmp/backend/index.js';
import type { Policy } from '../../../bpmp/policy/index.js';
import { BackendTarget, compileFor, MediatedTarget, type Target } from '../../../bpmp/replay/index.js';
import { tegra234 } from '../../../bpmp/tegra234/index.js';
import { GpuvmError } from '../../../errors.js';

const DEVICE = '/dev/bpmp-host';

/** Where `--to` says that the requests are sent: the model, a BPMP's device behind a policy, or a running VM. */
export async function targetFor(to: string, policy: Policy | undefined, force: boolean): Promise<Target> {
  if (to === 'simulated') return modelTarget(policy);
  if (to === 'device' || to.startsWith('device:')) {
    return deviceTarget(to.slice('device:'.length) || DEVICE, policy, force);
  }
  if (policy !== undefined)
    throw new GpuvmError('GPUVM_USAGE', `--policy has no place here: the VM ${to} has a policy of its own`);
  const { VmTarget } = await import('./vm-target.js');
  return VmTarget.of(to);
}

async function modelTarget(policy: Policy | undefined): Promise<Target> {
  const backend = new SimulatedBpmp();
  const name = 'the simulated BPMP';
  if (policy === undefined) return new BackendTarget(name, backend, tegra234);
  return new MediatedTarget(name, backend, await compileFor(policy, backend), { unlimited: true });
}

async function deviceTarget(path: string, policy: Policy | undefined, force: boolean): Promise<Target> {
  if (policy === undefined && !force)
    throw new GpuvmError(
      'GPUVM_USAGE',
      `what a capture asks of ${path} happens to this host: give --policy FILE, and nothing that it does not allow is sent, or --force`,
    );
  const backend: Backend = createBackend({ kind: 'host-device', path });
  if (policy === undefined) return new BackendTarget(path, backend, tegra234);
  try {
    return new MediatedTarget(path, backend, await compileFor(policy, backend));
  } catch (error) {
    await backend.close();
    throw error;
  }
}
