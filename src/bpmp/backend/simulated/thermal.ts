import { BpmpError, ThermalCommand } from '../../wire/index.js';
import { i32, type Reply, u32 } from './bytes.js';
import type { ThermalZoneOptions } from './options.js';

/** The zones of a Tegra234, in its ids' order. The vision cluster is off, so its zones cannot be read. */
const defaultZones: readonly ThermalZoneOptions[] = [
  { name: 'cpu', temperature: 45_000, thermtrip: 104_500 },
  { name: 'gpu', temperature: 44_000, thermtrip: 104_500 },
  { name: 'cv0', temperature: null, thermtrip: 104_500 },
  { name: 'cv1', temperature: null, thermtrip: 104_500 },
  { name: 'cv2', temperature: null, thermtrip: 104_500 },
  { name: 'soc0', temperature: 43_500, thermtrip: 104_500 },
  { name: 'soc1', temperature: 43_000, thermtrip: 104_500 },
  { name: 'soc2', temperature: 42_500, thermtrip: 104_500 },
  { name: 'tj-max', temperature: 45_000 },
];

export interface ThermalTrip {
  readonly zone: string;
  readonly low: number;
  readonly high: number;
}

/** MRQ_THERMAL. The temperatures are still until somebody sets one; a trip that is then reached is told of once. */
export class Thermal {
  readonly zones: readonly ThermalZoneOptions[];
  private readonly temperatures: (number | null)[];
  private readonly trips: (ThermalTrip | undefined)[];
  /** By zone: whether its trip was told of since it was set. */
  private readonly told: boolean[];
  private readonly onTrip: (zone: number) => void;

  constructor(
    zones: readonly ThermalZoneOptions[] = defaultZones,
    onTrip: (zone: number) => void = () => {},
  ) {
    this.zones = zones;
    this.temperatures = zones.map(({ temperature }) => temperature);
    this.trips = zones.map(() => undefined);
    this.told = zones.map(() => false);
    this.onTrip = onTrip;
  }

  /** Millicelsius; null where the zone cannot be read. */
  temperature(zone: number): number | null {
    return this.temperatures[zone]!;
  }

  /** Throws RangeError where there is no zone of that name. */
  setTemperature(name: string, millicelsius: number): void {
    const zone = this.zones.findIndex((each) => each.name === name);
    if (zone < 0) {
      const names = this.zones.map((each) => each.name).join(', ');
      throw new RangeError(`there is no thermal zone ${JSON.stringify(name)}: there are ${names}`);
    }
    this.temperatures[zone] = millicelsius;
    this.compare(zone);
  }

  handle(tx: Uint8Array, reply: Reply): number {
    if (tx.length < 4) return BpmpError.EINVAL;
    const command = u32(tx, 0);
    if (command === ThermalCommand.GET_NUM_ZONES) {
      reply.u32(this.zones.length);
      return 0;
    }
    if (command > ThermalCommand.GET_THERMTRIP) return BpmpError.EBADCMD;
    if (tx.length < 8) return BpmpError.EINVAL;
    const argument = u32(tx, 4);
    if (command === ThermalCommand.QUERY_ABI) {
      return argument <= ThermalCommand.GET_THERMTRIP ? 0 : BpmpError.ENODEV;
    }
    const zone = argument < this.zones.length ? this.zones[argument]! : undefined;
    if (zone === undefined) return BpmpError.EINVAL;
    if (command === ThermalCommand.SET_TRIP) return this.setTrip(argument, zone, tx);
    if (command === ThermalCommand.GET_TEMP) {
      const temperature = this.temperature(argument);
      if (temperature === null) return BpmpError.EFAULT;
      reply.u32(temperature);
      return 0;
    }
    if (zone.thermtrip === undefined) return BpmpError.ERANGE;
    reply.u32(zone.thermtrip);
    return 0;
  }

  /** The trips that are set. */
  set(): ThermalTrip[] {
    return this.trips.filter((trip) => trip !== undefined);
  }

  private setTrip(id: number, { name }: ThermalZoneOptions, tx: Uint8Array): number {
    if (tx.length < 20) return BpmpError.EINVAL;
    const low = i32(tx, 8);
    const high = i32(tx, 12);
    const enabled = u32(tx, 16);
    if (enabled > 1 || (enabled === 1 && low > high)) return BpmpError.EINVAL;
    this.trips[id] = enabled ? { zone: name, low, high } : undefined;
    this.told[id] = false;
    this.compare(id);
    return 0;
  }

  private compare(id: number): void {
    const trip = this.trips[id];
    const temperature = this.temperature(id);
    if (trip === undefined || temperature === null || this.told[id]) return;
    if (temperature > trip.low && temperature < trip.high) return;
    this.told[id] = true;
    this.onTrip(id);
  }
}
