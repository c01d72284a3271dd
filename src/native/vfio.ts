/**
 * VFIO's kernel interfaces (native/vfio_*.cc), one function per ioctl. A failed one throws an Error whose `syscall` is the
 * ioctl's name. What the kernel says of itself comes as the bytes it wrote, of which the addon has looked at the size
 * alone: at most 64 KiB, else EOVERFLOW. Arguments that are no whole numbers of their width throw a TypeError.
 */
export interface VfioAddon {
  /** VFIO_GET_API_VERSION; 0 is the only one there is. */
  vfioApiVersion(container: number): number;
  /** VFIO_CHECK_EXTENSION: 3 is type 1 in its second version. */
  vfioCheckExtension(container: number, extension: number): boolean;
  /** VFIO_SET_IOMMU; the container must have a group. */
  vfioSetIommu(container: number, type: number): void;
  /** VFIO_IOMMU_GET_INFO: a `struct vfio_iommu_type1_info` and what hangs on it. */
  vfioIommuInfo(container: number): Uint8Array;

  /** VFIO_GROUP_GET_STATUS: bit 0 viable, bit 1 in a container. */
  vfioGroupStatus(group: number): number;
  vfioGroupSetContainer(group: number, container: number): void;
  vfioGroupUnsetContainer(group: number): void;
  /** VFIO_GROUP_GET_DEVICE_FD by the device's name in sysfs; the caller owns the descriptor. */
  vfioGroupDevice(group: number, name: string): number;

  /** VFIO_DEVICE_GET_INFO: a `struct vfio_device_info`. */
  vfioDeviceInfo(device: number): Uint8Array;
  /** VFIO_DEVICE_RESET; it takes as long as the device does. */
  vfioDeviceReset(device: number): void;

  /** VFIO_DEVICE_GET_REGION_INFO: a `struct vfio_region_info`. */
  vfioRegionInfo(device: number, index: number): Uint8Array;
  /** pread(2) and pwrite(2) at an offset of the device's descriptor; how many bytes were moved. */
  vfioRegionRead(device: number, offset: bigint, into: Uint8Array): number;
  vfioRegionWrite(device: number, offset: bigint, bytes: Uint8Array): number;

  /** VFIO_DEVICE_GET_IRQ_INFO: a `struct vfio_irq_info`. */
  vfioInterruptInfo(device: number, index: number): Uint8Array;
  /** VFIO_DEVICE_SET_IRQS. `data` has the size that flags and count announce: an i32 or a byte for each vector, or nothing. */
  vfioSetInterrupts(
    device: number,
    flags: number,
    index: number,
    start: number,
    count: number,
    data?: Int32Array | Uint8Array,
  ): void;

  /** A memory file of so many bytes, all zero, that never changes its size; the caller owns the descriptor. */
  vfioCreateDmaMemory(sizeBytes: bigint): number;
  /** VFIO_IOMMU_MAP_DMA of a whole mapping. Flags: 1 the device reads it, 2 it writes to it. */
  vfioMapDma(container: number, mapping: VfioMappingHandle, iova: bigint, flags: number): void;
  /** VFIO_IOMMU_UNMAP_DMA; how many bytes were mapped there. */
  vfioUnmapDma(container: number, iova: bigint, sizeBytes: bigint): bigint;

  /** VFIO_DEVICE_BIND_IOMMUFD; the device's number there. */
  vfioBindIommufd(device: number, iommufd: number): number;
  vfioAttachIommufd(device: number, ioas: number): void;
  vfioDetachIommufd(device: number): void;
  /** IOMMU_IOAS_ALLOC: a new address space's number, which lives as long as the iommufd. */
  iommufdAllocIoas(iommufd: number): number;
  /** IOMMU_IOAS_IOVA_RANGES: first and last address of each, and the alignment at the end. */
  iommufdIovaRanges(iommufd: number, ioas: number): BigUint64Array;
  /** IOMMU_IOAS_MAP. Flags: 1 at this very address, 2 the device writes to it, 4 it reads it. */
  iommufdMap(iommufd: number, ioas: number, mapping: VfioMappingHandle, iova: bigint, flags: number): void;
  iommufdUnmap(iommufd: number, ioas: number, iova: bigint, sizeBytes: bigint): bigint;

  /** mmap(2), shared. Access: 1 readable, 2 writable, 3 both. */
  VfioMapping: new (
    fd: number,
    offset: bigint,
    lengthBytes: bigint,
    access: number,
  ) => VfioMappingHandle;
}

/**
 * A mapping, and accesses to it of exactly 1, 2, 4 or 8 bytes. An access outside of it, or not aligned to its width,
 * throws a RangeError; one that the device answers with a bus error throws EFAULT with the syscall "SIGBUS".
 */
export interface VfioMappingHandle {
  /** A bigint for 8 bytes. */
  read(offset: number | bigint, width: number): number | bigint;
  write(offset: number | bigint, width: number, value: number | bigint): void;
  /** Both in accesses of `width` bytes, of which offset and length are multiples. */
  copyOut(offset: number | bigint, into: Uint8Array, width: number): void;
  copyIn(offset: number | bigint, from: Uint8Array, width: number): void;
  /** All of it, always the same buffer; V8 throws where it is larger than its buffers can be. */
  buffer(): ArrayBuffer;
  /**
   * Lets go of what is mapped. The buffer is empty from then on; one that took its memory over finds zeros. False where
   * the kernel would not put those zeros there, and the memory stays mapped until the buffer is collected.
   */
  close(): boolean;
}
