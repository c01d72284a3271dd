/** Names of one chip's resources; `tegra234` is the first. Lookups by name take any case and any alias. */
export interface ResourceTable {
  /** What the resources are called in messages: "clock", "reset", "power domain". */
  readonly kind: string;
  /** The preferred name of an id, or undefined. */
  nameOf(id: number): string | undefined;
  /** The id of a name or alias, or undefined. */
  idOf(name: string): number | undefined;
  /** Every id that has a name, ascending. */
  readonly ids: readonly number[];
  /** Every name and alias, for "did you mean". */
  readonly names: readonly string[];
  readonly maxId: number;
}

export interface ChipNames {
  /** "tegra234" */
  readonly chip: string;
  readonly clocks: ResourceTable;
  readonly resets: ResourceTable;
  readonly powerDomains: ResourceTable;
  readonly streamIds: ResourceTable;
}
