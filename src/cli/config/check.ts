import { cpuCount, loadVmFile, type VmConfig } from '../../config/index.js';
import type { Call } from '../command.js';
import type { Context } from '../context.js';

export async function run({ args: [file], options }: Call, { stdout, json }: Context): Promise<number> {
  const checkFiles = options.files === true;
  const config = await loadVmFile(file!, { checkFiles });
  if (checkFiles && config.policy !== undefined) {
    const { loadPolicy } = await import('../../bpmp/policy/index.js');
    (await loadPolicy(config.policy)).compile();
  }
  if (json) {
    stdout.json({ ok: true, file, name: config.name, files: checkFiles ? 'checked' : 'not checked' });
    return 0;
  }
  stdout.line(`${file}: ok`);
  stdout.line(`  ${outline(config).join(', ')}`);
  return 0;
}

/** What the VM is, in a few words each. */
function outline(config: VmConfig): string[] {
  const { name, machine, smp, memory, bridge } = config;
  const cpus = cpuCount(smp);
  return [
    `${name}: ${machine}`,
    ...(cpus === undefined ? [] : [counted(cpus, 'CPU')]),
    ...(memory === undefined ? [] : [`${memory >> 20n} MiB`]),
    ...some(config.platformDevices, 'platform device'),
    ...some(config.pciDevices, 'PCI device'),
    ...some(config.usb, 'USB device'),
    ...some(config.disks, 'disk'),
    ...some(config.nets, 'network'),
    ...(bridge.kind === 'none' ? [] : [`bridge ${bridge.kind}`]),
  ];
}

function some(list: readonly unknown[], what: string): string[] {
  return list.length === 0 ? [] : [counted(list.length, what)];
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
