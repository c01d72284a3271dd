import { GpuvmError } from '../../errors.js';

/** An error of the addon or of node:fs. */
interface SystemError extends Error {
  readonly code: string;
  readonly syscall?: string;
}

/** What to do about a call that failed in this way; `*` stands for any other errno. */
const advice: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  open: {
    EBUSY:
      'it is open already, and VFIO lets it be opened once: end the process that has it, or share an address space',
    EACCES: 'this user may not use it: run as root, or give the user its node (chown, or a udev rule)',
    ENOENT:
      'there is no such node: load the module (modprobe vfio-pci, or vfio-platform) and bind the device (gpuvm devices bind)',
    ENODEV: 'no device stands behind the node any more: bind it again (gpuvm devices bind)',
    EPERM: 'without an IOMMU, VFIO is for CAP_SYS_RAWIO only: switch the IOMMU on',
  },
  VFIO_GROUP_SET_CONTAINER: {
    EPERM:
      'the group is not viable: all its devices must be with VFIO or without a driver (gpuvm devices groups)',
    EBUSY: 'the group is in a container already: another process uses it',
    EINVAL: 'the group has a container already, or what was opened is no container',
  },
  VFIO_SET_IOMMU: {
    ENODEV:
      'no IOMMU stands behind the group: switch it on in the firmware, and intel_iommu=on where it is needed',
    EPERM: 'the platform cannot isolate interrupts: see allow_unsafe_interrupts of vfio_iommu_type1',
    EINVAL: 'the container has an IOMMU already, or another kind: load vfio_iommu_type1',
  },
  VFIO_GROUP_GET_DEVICE_FD: {
    ENODEV: 'the device is not in this group, or not with VFIO: gpuvm devices bind',
    EBUSY: 'the device is in use: end the process that has it',
    EINVAL:
      'the device cannot be opened as it is: see dmesg; vfio-platform without a reset driver wants reset_required=0',
    ENOENT: 'vfio-platform found no reset for it: load its reset driver, or set reset_required=0',
    // Whatever its reset failed with; this one is common.
    EIO: 'the device cannot be opened as it is, a platform device where its reset fails: see dmesg',
  },
  VFIO_IOMMU_MAP_DMA: {
    ENOMEM:
      'the memory may not be locked: raise RLIMIT_MEMLOCK (ulimit -l, LimitMEMLOCK= of the unit) above all that is mapped',
    EEXIST: 'something is mapped at that address already',
    EINVAL: 'address and size must be multiples of the IOMMU page, and inside its ranges',
    ENOSPC: 'there are too many mappings (dma_entry_limit of vfio_iommu_type1)',
  },
  VFIO_IOMMU_UNMAP_DMA: { EINVAL: 'a mapping is taken back as it was made, whole' },
  VFIO_DEVICE_BIND_IOMMUFD: {
    EINVAL:
      'a device is had by its node once: end the process that has it, or share an address space; or what was opened is no iommufd',
    EPERM: 'the group has another owner: all its devices must be with VFIO and in this address space',
    EBUSY:
      'its group is open, and devices are had by their group or by their nodes: end the process that has it',
  },
  VFIO_DEVICE_ATTACH_IOMMUFD_PT: {
    EINVAL: 'the IOMMU of this device does not fit the address space',
    EBUSY: 'the device is attached already, or is being reset',
  },
  IOMMU_IOAS_MAP: {
    ENOMEM:
      'the memory may not be locked: raise RLIMIT_MEMLOCK (ulimit -l, LimitMEMLOCK= of the unit) above all that this user has mapped, in all processes',
    EEXIST: 'something is mapped at that address already',
    EADDRINUSE: 'something is mapped at that address already',
    EINVAL: 'address and size must be multiples of the IOMMU page, and inside its ranges',
  },
  VFIO_DEVICE_SET_IRQS: {
    EINVAL: 'the device has no such interrupt, or another kind (INTx, MSI, MSI-X) is enabled',
    ENOSPC: 'the host has fewer vectors left than were asked for',
    EBUSY: 'the interrupt line is used by a driver of the host that does not share it',
  },
  VFIO_DEVICE_RESET: {
    EINVAL: 'the device has no reset',
    ENOTTY: 'the device has no reset',
    EBUSY: 'another user of the device holds the reset up',
    EAGAIN: 'another user of the device holds the reset up: try again',
  },
  mmap: {
    EINVAL: 'the kernel does not map this part: use read and write, which go without',
    ENOMEM: 'the process has no room for the mapping: see ulimit -v and vm.max_map_count',
    EPERM: 'the kernel forbids this mapping',
  },
  SIGBUS: {
    '*': 'the device did not answer: of a PCI function memory decoding is off (bit 1 of the command register), or it is in a power state below D0; of a platform device its clock or power is off, or nothing is there',
  },
  pread: { EFAULT: 'the device did not answer', EINVAL: 'the region cannot be read there' },
  pwrite: { EFAULT: 'the device did not answer', EINVAL: 'the region cannot be written there' },
  memfd_create: { '*': 'memory files are needed for DMA memory' },
};

/** Makes one call into the kernel; what it throws becomes a GPUVM_VFIO that says of what, which call, why, what to do. */
export function asking<T>(subject: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw kernelFailure(subject, error);
  }
}

/** `who` is in the way, where that is known. */
export function kernelFailure(subject: string, error: unknown, who = ''): unknown {
  if (!isSystemError(error)) return error;
  const { code, syscall = 'call' } = error;
  const known = advice[syscall];
  const hint = known?.[code] ?? known?.['*'];
  const what = syscall === 'SIGBUS' ? 'the access ended in a bus error' : `${syscall} failed with ${code}`;
  return new GpuvmError('GPUVM_VFIO', `${subject}: ${what}${who && ` (${who})`}${hint ? `: ${hint}` : ''}`, {
    cause: error,
    details: { call: syscall, errno: code, subject },
  });
}

/** What the kernel said cannot be: it is not believed in part. */
export function nonsense(subject: string, what: string): GpuvmError {
  return new GpuvmError(
    'GPUVM_VFIO',
    `${subject}: the kernel says ${what}, which cannot be: report it with the kernel's version`,
    { details: { subject } },
  );
}

function isSystemError(error: unknown): error is SystemError {
  return error instanceof Error && !GpuvmError.is(error) && typeof (error as SystemError).code === 'string';
}
