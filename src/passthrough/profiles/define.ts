import type {
  DeviceProfile,
  GuestRules,
  HostRules,
  KnownDevice,
  KnownResource,
  ProfileValue,
  PropertyRule,
  PropertyValue,
} from './profile.js';

/** A profile as it is written: what is left out is the usual. */
export interface WrittenProfile extends Omit<DeviceProfile, 'guest' | 'host'> {
  readonly guest: Pick<GuestRules, 'compatible'> & Partial<GuestRules>;
  readonly host?: Partial<HostRules>;
}

export function defineProfile({ guest, host = {}, ...rest }: WrittenProfile): DeviceProfile {
  return {
    ...rest,
    guest: {
      children: 'all',
      status: 'okay',
      drop: [],
      keep: [],
      set: [],
      add: [],
      companions: [],
      ...guest,
    },
    host: { drop: [], disable: [], ...host },
  };
}

export const rule = (property: string, reason: string): PropertyRule => ({ property, reason });

export const value = (property: string, value: ProfileValue, reason: string): PropertyValue => ({
  property,
  value,
  reason,
});

/** `smmu_niso0 NVJPG1`, for hosts whose tree does not say it. */
export function stream(at: string, reason: string, isInstead = false): NonNullable<HostRules['stream']> {
  const [iommu, id] = at.split(' ');
  return { iommu: iommu!, id: id!, isInstead, reason };
}

/** `GPUSYS as sysclk`, or `VIC` where the driver takes it by its place. */
export const resources = (...written: readonly string[]): KnownResource[] =>
  written.map((each) => {
    const [name, as] = each.split(' as ');
    return { name: name!, as };
  });

/** Each `[address, size, name]`. */
export const regions = (
  ...written: readonly (readonly [address: bigint, size: bigint, as?: string])[]
): KnownDevice['regions'] => written.map(([address, size, as]) => ({ address, size, as }));

/** Each `[SPI, name]`. */
export const lines = (
  ...written: readonly (readonly [spi: number, as?: string])[]
): KnownDevice['interrupts'] => written.map(([spi, as]) => ({ spi, as }));
