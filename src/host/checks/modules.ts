import {
  type Check,
  type CheckedHost,
  concerns,
  type HostNeeds,
  lacking,
  type Said,
  wantsDevices,
} from './check.js';
import { readKernelConfig } from './kernel-config.js';
import { isTegra, isThere, kernelRelease, names, text } from './read.js';

interface Wanted {
  readonly module: string;
  wants(needs: HostNeeds): boolean;
  /** There where it works, built in or loaded. */
  readonly proof: string;
  readonly tegraOnly?: true;
}

const wanted: readonly Wanted[] = [
  { module: 'vfio', wants: wantsDevices, proof: 'dev/vfio/vfio' },
  {
    module: 'vfio_iommu_type1',
    wants: wantsDevices,
    proof: 'sys/module/vfio_iommu_type1',
  },
  {
    module: 'vfio_platform',
    wants: (needs) => needs.platformDevices,
    proof: 'sys/bus/platform/drivers/vfio-platform',
    tegraOnly: true,
  },
  { module: 'vfio_pci', wants: (needs) => needs.pciDevices, proof: 'sys/bus/pci/drivers/vfio-pci' },
  { module: 'kvm', wants: ({ kvm }) => kvm, proof: 'dev/kvm' },
];

/** Whether each is there: loaded, built in, or to be had. */
export const modules: Check<CheckedHost> = {
  id: 'module.wanted',
  run({ sysroot, needs }) {
    return wanted
      .filter(({ wants }) => concerns(needs, wants))
      .filter(({ tegraOnly }) => needs !== undefined || !tegraOnly || isTegra(sysroot))
      .map((one) => judge(one, sysroot, needs));
  },
};

function judge({ module, proof }: Wanted, sysroot: string, needs: HostNeeds | undefined): Said {
  const on = module;
  if (isLoaded(sysroot, module))
    return { on, status: 'ok', what: `the module ${module} is loaded`, evidence: `/sys/module/${module}` };
  if (isThere(sysroot, proof))
    return { on, status: 'ok', what: `${module} is built into the kernel`, evidence: `/${proof}` };
  const lists = moduleLists(sysroot);
  if (lists.builtin.has(module))
    return { on, status: 'ok', what: `${module} is built into the kernel`, evidence: lists.from };
  const option = `CONFIG_${module.toUpperCase()}`;
  const config = readKernelConfig(sysroot);
  if (config?.options.get(option) === 'y')
    return {
      on,
      status: 'ok',
      what: `${module} is built into the kernel`,
      evidence: `${config.from}: ${option}=y`,
    };
  const load = `modprobe ${module}; at every boot: echo ${module} > /etc/modules-load.d/gpuvm-${module}.conf`;
  if (config && !config.options.has(option))
    return {
      on,
      status: lacking(needs),
      what: `the kernel has no module ${module}`,
      evidence: `${config.from}: # ${option} is not set`,
      fix: `rebuild the kernel with ${option}=m, or use one that has it`,
    };
  if (!lists.available.has(module))
    return {
      on,
      status: lacking(needs),
      what: `the module ${module} is neither loaded nor there to be loaded`,
      evidence: `/sys/module/${module} is not there; ${lists.known ? `${lists.from} does not have it` : `${lists.from} cannot be read`}`,
      fix: `${load}; a kernel without the module must be rebuilt with it`,
    };
  const blacklisted = blacklist(sysroot).find((line) => line.module === module);
  if (blacklisted)
    return {
      on,
      status: lacking(needs),
      what: `the module ${module} is blacklisted`,
      evidence: `${blacklisted.file}:${blacklisted.line}: ${blacklisted.text}`,
      fix: `take the line out of ${blacklisted.file}, then: ${load}`,
    };
  return {
    on,
    status: lacking(needs),
    what: `the module ${module} is not loaded`,
    evidence: `${lists.from} has it; /sys/module/${module} is not there`,
    fix: load,
  };
}

/** Modules of a Jetson's own graphics that keep hold of the devices which the VM is to own. */
const conflicting = [
  'nvgpu',
  'nvidia_drm',
  'nvidia_modeset',
  'nvidia',
  'nvmap',
  'host1x',
  'tegra_drm',
  'tegra_udrm',
];

export const conflicts: Check<CheckedHost> = {
  id: 'module.conflict',
  run({ sysroot, needs }) {
    const isJetson = isTegra(sysroot);
    if (!isJetson || !concerns(needs, ({ platformDevices }) => platformDevices)) return [];
    const loaded = conflicting.filter((module) => isLoaded(sysroot, module));
    if (loaded.length === 0)
      return [
        {
          status: 'ok',
          what: "none of the host's own graphics modules is loaded",
          evidence: `/sys/module has none of ${conflicting.join(', ')}`,
        },
      ];
    const lines = blacklist(sysroot);
    return loaded.map((module) => {
      const line = lines.find((each) => each.module === module);
      const holders = names(sysroot, `sys/module/${module}/holders`);
      return {
        on: module,
        status: 'warn',
        what: `the host's own module ${module} is loaded, and can hold devices that the VM is to own`,
        evidence: `/sys/module/${module}${holders.length ? `, used by ${holders.join(', ')}` : ''}${line ? `; blacklisted in ${line.file}:${line.line}, so something loads it by name` : ''}`,
        fix: line
          ? `echo "install ${module} /bin/false" >> ${line.file}, then reboot`
          : `echo "blacklist ${module}" >> /etc/modprobe.d/gpuvm.conf, then reboot`,
      };
    });
  },
};

export function isLoaded(sysroot: string, module: string): boolean {
  // A module that is built in has a folder too where it has parameters, which serves as well.
  return isThere(sysroot, `sys/module/${module}`);
}

interface ModuleLists {
  readonly from: string;
  readonly known: boolean;
  readonly available: ReadonlySet<string>;
  readonly builtin: ReadonlySet<string>;
}

function moduleLists(sysroot: string): ModuleLists {
  const release = kernelRelease(sysroot) ?? '';
  for (const folder of [`lib/modules/${release}`, `usr/lib/modules/${release}`]) {
    const depended = text(sysroot, `${folder}/modules.dep`);
    const builtin = text(sysroot, `${folder}/modules.builtin`);
    if (depended === undefined && builtin === undefined) continue;
    const all = (list = '') =>
      new Set(
        list
          .split('\n')
          .map((line) => moduleName(line.split(':', 1)[0]!))
          .filter((name) => name !== ''),
      );
    return { from: `/${folder}`, known: true, available: all(depended), builtin: all(builtin) };
  }
  return { from: `/lib/modules/${release}`, known: false, available: new Set(), builtin: new Set() };
}

/** `vfio_pci` of kernel/drivers/vfio/pci/vfio-pci.ko.zst: the kernel takes both spellings for one. */
function moduleName(path: string): string {
  const file = path.trim().split('/').at(-1)!;
  return file.replace(/\.ko(\.(gz|xz|zst))?$/, '').replaceAll('-', '_');
}

export interface BlacklistLine {
  readonly module: string;
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

/** In the order in which modprobe looks; a file in /etc stands for one of the same name elsewhere. */
const FOLDERS = [
  'etc/modprobe.d',
  'run/modprobe.d',
  'usr/local/lib/modprobe.d',
  'usr/lib/modprobe.d',
  'lib/modprobe.d',
];

/** `blacklist NAME`, `install NAME /bin/false`, and the same on the kernel's command line. */
export function blacklist(sysroot: string): BlacklistLine[] {
  const seen = new Set<string>();
  const found = FOLDERS.flatMap((folder) =>
    names(sysroot, folder)
      .filter((name) => name.endsWith('.conf') && !seen.has(name) && seen.add(name))
      .flatMap((name) => linesOf(`/${folder}/${name}`, text(sysroot, `${folder}/${name}`) ?? '')),
  );
  const cmdline = text(sysroot, 'proc/cmdline') ?? '';
  for (const [whole, list] of cmdline.matchAll(/(?:^|\s)(?:modprobe\.blacklist|module_blacklist)=(\S+)/g))
    for (const module of list!.split(','))
      found.push({ module: module.replaceAll('-', '_'), file: '/proc/cmdline', line: 1, text: whole.trim() });
  return found;
}

function linesOf(file: string, content: string): BlacklistLine[] {
  return content.split('\n').flatMap((line, index) => {
    const match =
      /^\s*blacklist\s+([\w-]+)/.exec(line) ??
      /^\s*install\s+([\w-]+)\s+\/(?:usr\/)?s?bin\/(?:false|true)\b/.exec(line);
    return match
      ? [{ module: match[1]!.replaceAll('-', '_'), file, line: index + 1, text: line.trim() }]
      : [];
  });
}
