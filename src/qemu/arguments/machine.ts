import type { VmConfig } from '../../config/index.js';
import type { ArgumentContext } from './context.js';
import { formatSize, option, options } from './option.js';

/** The backend's id, which the machine names. */
const RAM = 'ram';

/** The arguments that say what machine it is, and so what device tree QEMU makes for it. */
export function machineArguments(config: VmConfig): string[] {
  return machineWith(config, config.machine);
}

/** The same, with what the guest's RAM is made of. */
export function machineAndMemory(context: ArgumentContext): string[] {
  const { config } = context;
  if (!config.memoryBackend) return machineArguments(config);
  return [
    ...machineWith(config, `${config.machine},memory-backend=${RAM}`),
    ...['-object', memoryObject(context)],
    ...(config.memoryBackend.lock ? ['-overcommit', 'mem-lock=on'] : []),
  ];
}

function machineWith(config: VmConfig, machine: string): string[] {
  return [
    ...['-machine', machine],
    ...option('-cpu', config.cpu),
    ...['-smp', String(config.smp)],
    ...option('-m', config.memory === undefined ? undefined : formatSize(config.memory)),
  ];
}

/** The value of -object for the guest's RAM. */
function memoryObject({ config, path }: ArgumentContext): string {
  const backend = config.memoryBackend!;
  const common = {
    id: RAM,
    size: formatSize(config.memory!),
    share: backend.share,
    prealloc: backend.preallocate,
  };
  switch (backend.kind) {
    case 'ram':
      return options('memory-backend-ram', common);
    case 'memfd':
      return options('memory-backend-memfd', common);
    case 'file':
      return options('memory-backend-file', { ...common, 'mem-path': path(backend.path) });
    case 'hugepages': {
      if (backend.path !== undefined)
        return options('memory-backend-file', { ...common, 'mem-path': path(backend.path) });
      const { hugepageSize } = backend;
      const hugetlbsize = hugepageSize === undefined ? undefined : formatSize(hugepageSize);
      return options('memory-backend-memfd', { ...common, hugetlb: true, hugetlbsize });
    }
  }
}
