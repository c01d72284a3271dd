/** Numbers of Linux's include/uapi/linux/vfio.h and iommufd.h that are given to the addon or read from its bytes. */

export const Extension = { TYPE1: 1, TYPE1_V2: 3 } as const;

export const GroupFlag = { VIABLE: 1 } as const;

export const DeviceFlag = {
  RESET: 1 << 0,
  PCI: 1 << 1,
  PLATFORM: 1 << 2,
  AMBA: 1 << 3,
  CAPS: 1 << 7,
} as const;

export const RegionFlag = { READ: 1, WRITE: 2, MMAP: 4, CAPS: 8 } as const;
export const RegionCapability = { SPARSE_MMAP: 1, TYPE: 2, MSIX_MAPPABLE: 3 } as const;

export const InterruptFlag = { EVENTFD: 1, MASKABLE: 2, AUTOMASKED: 4, NORESIZE: 8 } as const;

export const SetInterrupt = {
  DATA_NONE: 1,
  DATA_BOOL: 2,
  DATA_EVENTFD: 4,
  MASK: 8,
  UNMASK: 16,
  TRIGGER: 32,
} as const;

export const IommuFlag = { PAGE_SIZES: 1, CAPS: 2 } as const;
export const IommuCapability = { IOVA_RANGE: 1, DMA_AVAILABLE: 3 } as const;

/** VFIO_DMA_MAP_FLAG_*. */
export const DmaFlag = { READ: 1, WRITE: 2 } as const;
/** IOMMU_IOAS_MAP_*. */
export const IoasFlag = { FIXED: 1, WRITE: 2, READ: 4 } as const;

/** Of a mapping, as the addon takes it. */
export const MapAccess = { READ: 1, WRITE: 2 } as const;
