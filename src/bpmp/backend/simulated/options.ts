/** One thermal zone of the model. */
export interface ThermalZoneOptions {
  /** The name in the debug files: "cpu". */
  readonly name: string;
  /** Millicelsius; null is a zone whose part is powered off and cannot be read (-EFAULT). */
  readonly temperature: number | null;
  /** Where the hardware shuts down, millicelsius; none by default (-ERANGE). */
  readonly thermtrip?: number;
}

/** Makes requests go wrong. Every field that is given must match; the first fault that matches is taken. */
export interface Fault {
  readonly mrq: number;
  readonly command?: number;
  /** The clock, reset, domain, zone … of the request. */
  readonly id?: number;
  /** Answer with this return code and an empty reply, and do nothing. */
  readonly ret?: number;
  /** Never answer. */
  readonly hang?: boolean;
  /** Answer as usual, but only after this long. */
  readonly latencyUs?: number;
  /** Only every nth request that matches. */
  readonly every?: number;
  /** Only the first n requests that match. */
  readonly times?: number;
}

/** How the simulated BPMP behaves; plain data, so that it can stand in a VM file and cross to a worker. */
export interface SimulatedOptions {
  /** How long each request takes, in µs; a range is drawn from anew for each. Without it answers are immediate. */
  readonly latencyUs?: number | { readonly min: number; readonly max: number };
  readonly faults?: readonly Fault[];
  readonly thermalZones?: readonly ThermalZoneOptions[];
  /** How many clocks have files in the debug tree, by ascending id. All by default. */
  readonly debugClocks?: number;
  /** What MRQ_QUERY_FW_TAG answers, up to 32 characters. */
  readonly tag?: string;
  /** Seeds the drawing of latencies. */
  readonly seed?: number;
}
