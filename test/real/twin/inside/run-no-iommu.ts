/** Runs in a twin whose kernel leaves the IOMMU off: what a VM with a device of it is told. x86-run.test.ts judges it. */
import { makeCases } from './make-cases.js';
import { gpuvm } from './processes.js';
import { type Refused, refused } from './run-case-refused.js';
import { EDU, prepareVmFiles, vmFile } from './run-vm.js';

async function withoutIommu() {
  const file = vmFile('no-iommu', { devices: [EDU] });
  const tried: Refused = await refused(file);
  return {
    ...tried,
    host: await gpuvm(['doctor', '--json']),
    vm: await gpuvm(['doctor', file, '--json']),
  };
}

export type WithoutIommu = Awaited<ReturnType<typeof withoutIommu>>;

prepareVmFiles();
void makeCases({ 'no-iommu': withoutIommu });
