/** A property and what is done with it, with the reason: a person reads it who asks why the guest does not have it. */
export interface PropertyRule {
  /** Its name; `*` in it stands for anything: `nvidia,*-offset`. */
  readonly property: string;
  readonly reason: string;
}

/**
 * A value as a profile writes it: cells, strings, a property without a value, or a reference to the guest's BPMP with the
 * cells behind it.
 */
export type ProfileValue =
  | { readonly cells: readonly number[] }
  | { readonly bpmp: readonly number[] }
  | { readonly strings: readonly string[] }
  | { readonly flag: true };

export interface PropertyValue extends PropertyRule {
  readonly value: ProfileValue;
}

/** A node that a driver looks for beside its device. */
export interface Companion {
  /** With its unit address. */
  readonly node: string;
  readonly properties: Readonly<Record<string, ProfileValue>>;
  /** Only for kernels that are patched for the window: the mainline's does not get over it. */
  readonly isForPatched?: true;
  readonly reason: string;
}

/** How a device is described to a guest, where the host's own node is not simply copied. */
export interface GuestRules {
  /** What the guest's kernel is to find it by, where the host's tree has it for a dummy driver or not at all. */
  readonly compatible: readonly string[];
  /** The profile of the device that it lies in, where the guest has that one too; else it lies on the platform bus. */
  readonly within?: string;
  /** Which of the nodes below it go along, by their name without its address. */
  readonly children: 'all' | 'none' | readonly string[];
  /** `as-host`: a node that is switched off on the host is so in the guest, and one that is not known is. */
  readonly status: 'okay' | 'as-host';
  /** Its name in /aliases. */
  readonly alias?: string;
  readonly drop: readonly PropertyRule[];
  /** Kept although it would be dropped from any other device (`common.ts`). */
  readonly keep: readonly PropertyRule[];
  /** In the place of what the host has. */
  readonly set: readonly PropertyValue[];
  /** Only where the host's tree has no node of the device. */
  readonly add: readonly PropertyValue[];
  readonly companions: readonly Companion[];
}

/** How a device is taken from the host's own drivers, for the overlay that does it. */
export interface HostRules {
  /** It is made anew outside of this device, which would make a device of it otherwise. By the profile's name. */
  readonly outOf?: string;
  /**
   * Its stream, where the host's tree gives it none (`isInstead`: or another), by the name in Tegra234's tables, and at
   * which SMMU, by its label.
   */
  readonly stream?: {
    readonly iommu: string;
    readonly id: string;
    readonly isInstead: boolean;
    readonly reason: string;
  };
  readonly drop: readonly PropertyRule[];
  /** Nodes elsewhere that must be switched off with it, by their path's end: `hda@3510000`. */
  readonly disable: readonly { readonly node: string; readonly reason: string }[];
}

/** A clock, reset or domain by its name in the chip's tables, and what the device's driver calls it. */
export interface KnownResource {
  readonly name: string;
  readonly as: string | undefined;
}

/** What published documents say of a device, for hosts whose tree has no node of it. A tree that has one is right. */
export interface KnownDevice {
  /** Where that is said. */
  readonly source: string;
  /** As its driver numbers them. In bytes. */
  readonly regions: readonly {
    readonly address: bigint;
    readonly size: bigint;
    readonly as: string | undefined;
  }[];
  /** The host's SPIs, all level-triggered. */
  readonly interrupts: readonly { readonly spi: number; readonly as: string | undefined }[];
  readonly clocks: readonly KnownResource[];
  readonly resets: readonly KnownResource[];
  readonly powerDomains: readonly KnownResource[];
  /** What is not known; the host's own tree must say it. */
  readonly unknown: readonly string[];
}

/** What is known of one kind of device: how to tell it, how its node changes, what its node is without a host's tree. */
export interface DeviceProfile {
  readonly name: string;
  /** One line for people. */
  readonly about: string;
  readonly match: {
    readonly compatible: readonly string[];
    /** Names of nodes without their addresses; the first is what the guest's node is called. */
    readonly nodes: readonly string[];
  };
  readonly guest: GuestRules;
  readonly host: HostRules;
  readonly known?: KnownDevice;
}
