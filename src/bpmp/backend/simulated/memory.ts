import { BpmpError, BwmgrCommand, BwmgrIntCommand, IsoClientCommand } from '../../wire/index.js';
import { i64, type Reply, u32 } from './bytes.js';
import { MEMORY_RATES_KHZ } from './clock-rules.js';
import type { Clock } from './clock-tree.js';
import type { Clocks } from './clocks.js';

/** A 256-bit bus at double data rate moves this much in one period of the memory clock: kBps per kHz. */
const BYTES_PER_CYCLE = 64;
/** How much of that isochronous clients may have together, of 100. */
const ISO_SHARE = 60;
/** Client ids (`bpmp_bwmgr_ids`) run from 1; the ABI header names none. */
const MAX_CLIENT = 63;
const MAX_ISO_CLIENTS = 13;
const MAX_KHZ = MEMORY_RATES_KHZ.at(-1)!;

export interface BandwidthRequest {
  readonly client: number;
  readonly nisoKbps: number;
  readonly isoKbps: number;
  readonly floor: number;
  readonly floorUnit: number;
}

/** What has to do with memory: EMC tables, the bandwidth managers, ISO clients. */
export class Memory {
  private readonly emc: Clock | undefined;
  private readonly requests = new Map<number, BandwidthRequest>();
  private readonly latencyAllowance = new Map<number, number>();
  private capHz = MAX_KHZ * 1000;
  private displayHandshake = 0;

  constructor(private readonly clocks: Clocks) {
    this.emc = clocks.clocks.find((clock) => clock?.name === 'emc');
  }

  /** MRQ_EMC_DVFS_LATENCY: {kHz, ns} pairs. */
  readonly latency = (_tx: Uint8Array, reply: Reply): number =>
    pairs(reply, (khz) => 6_000 + Math.round(MAX_KHZ / khz) * 100);

  /** MRQ_EMC_DVFS_EMCHUB: {kHz, hub kHz} pairs. */
  readonly hub = (_tx: Uint8Array, reply: Reply): number => pairs(reply, (khz) => Math.min(khz, 800_000));

  /** MRQ_EMC_DISP_RFL. */
  readonly displayRfl = (tx: Uint8Array): number => {
    if (tx.length < 4 || u32(tx, 0) > 1) return BpmpError.EINVAL;
    this.displayHandshake = tx[0]!;
    return 0;
  };

  /** MRQ_BWMGR. */
  readonly bwmgr = (tx: Uint8Array, reply: Reply): number => {
    if (tx.length < 8) return BpmpError.EINVAL;
    const command = u32(tx, 0);
    if (command === BwmgrCommand.QUERY_ABI)
      return u32(tx, 4) <= BwmgrCommand.CALC_RATE ? 0 : BpmpError.ENODEV;
    if (command !== BwmgrCommand.CALC_RATE) return BpmpError.EBADCMD;
    if (tx.length < 12) return BpmpError.EINVAL;
    const count = u32(tx, 8);
    if (count > MAX_ISO_CLIENTS || tx.length < 12 + 8 * count) return BpmpError.EINVAL;
    let iso = 0;
    for (let at = 12; at < 12 + 8 * count; at += 8) {
      if (!isClient(u32(tx, at))) return BpmpError.EINVAL;
      iso += u32(tx, at + 4);
    }
    const isoRate = rateFor(iso, ISO_SHARE);
    const totalRate = Math.max(isoRate, rateFor(iso + u32(tx, 4), 100));
    if (totalRate > MAX_KHZ) return BpmpError.ENOTSUP;
    reply.u32(isoRate);
    reply.u32(totalRate);
    return 0;
  };

  /** MRQ_BWMGR_INT. */
  readonly bwmgrInt = (tx: Uint8Array, reply: Reply): number => {
    if (tx.length < 8) return BpmpError.EINVAL;
    switch (u32(tx, 0)) {
      case BwmgrIntCommand.QUERY_ABI: {
        const type = u32(tx, 4);
        const known = type !== BwmgrIntCommand.CURR_AVAILABLE_BW && type >= 1 && type <= 5;
        return known ? 0 : BpmpError.ENODEV;
      }
      case BwmgrIntCommand.CALC_AND_SET:
        return this.calculateAndSet(tx, reply);
      case BwmgrIntCommand.CAP_SET: {
        if (tx.length < 12) return BpmpError.EINVAL;
        const hz = i64(tx, 4);
        if (hz < MEMORY_RATES_KHZ[0] * 1000) return BpmpError.ENOTSUP;
        this.capHz = Math.min(hz, MAX_KHZ * 1000);
        this.applyFloor();
        return 0;
      }
      case BwmgrIntCommand.GET_LAST_REQUEST:
        return this.lastRequest(tx, reply);
      default:
        return BpmpError.EBADCMD;
    }
  };

  /** MRQ_ISO_CLIENT. */
  readonly isoClient = (tx: Uint8Array, reply: Reply): number => {
    if (tx.length < 8) return BpmpError.EINVAL;
    const command = u32(tx, 0);
    const id = u32(tx, 4);
    if (command === IsoClientCommand.QUERY_ABI)
      return id <= IsoClientCommand.GET_MAX_BW ? 0 : BpmpError.ENODEV;
    if (command > IsoClientCommand.GET_MAX_BW) return BpmpError.EBADCMD;
    if (!isClient(id)) return BpmpError.EINVAL;
    if (command === IsoClientCommand.GET_MAX_BW) {
      return pairs(reply, (khz) => Math.floor((khz * BYTES_PER_CYCLE * ISO_SHARE) / 100));
    }
    if (tx.length < 16) return BpmpError.EINVAL;
    const bandwidth = u32(tx, 8);
    const alone = rateFor(bandwidth, ISO_SHARE);
    const floor = Math.max(alone, rateFor(u32(tx, 12), 100));
    if (floor > MAX_KHZ) return BpmpError.EFAULT;
    if (command === IsoClientCommand.CALCULATE_LA) {
      reply.u32(floor);
      reply.u32(alone);
    } else if (bandwidth === 0) this.latencyAllowance.delete(id);
    else this.latencyAllowance.set(id, bandwidth);
    return 0;
  };

  /** What is asked for now, for people and tests. */
  state(): {
    bandwidth: BandwidthRequest[];
    isoKbps: Record<string, number>;
    capHz: number;
    displayRfl: number;
  } {
    return {
      bandwidth: [...this.requests.values()],
      isoKbps: Object.fromEntries(this.latencyAllowance),
      capHz: this.capHz,
      displayRfl: this.displayHandshake,
    };
  }

  private calculateAndSet(tx: Uint8Array, reply: Reply): number {
    if (tx.length < 20) return BpmpError.EINVAL;
    const client = u32(tx, 4);
    const floorUnit = tx.length > 20 ? tx[20]! : 0;
    if (!isClient(client) || floorUnit > 1) return BpmpError.EINVAL;
    const before = this.requests.get(client);
    const request = { client, nisoKbps: u32(tx, 8), isoKbps: u32(tx, 12), floor: u32(tx, 16), floorUnit };
    if (request.nisoKbps + request.isoKbps + request.floor === 0) this.requests.delete(client);
    else this.requests.set(client, request);
    let ret = 0;
    if (!this.applyFloor()) {
      if (before) this.requests.set(client, before);
      else this.requests.delete(client);
      ret = BpmpError.ENOTSUP;
    }
    // The one command whose reply comes with an error too: the rate as it is.
    reply.u64(this.emc ? this.clocks.rate(this.emc.id) : 0);
    return ret;
  }

  /** Sets the memory clock to what all requests need together; false where that is more than there is. */
  private applyFloor(): boolean {
    let [iso, total, floor] = [0, 0, 0];
    for (const request of this.requests.values()) {
      iso += request.isoKbps;
      total += request.isoKbps + request.nisoKbps;
      floor = Math.max(
        floor,
        request.floorUnit === 1 ? nextRate(request.floor) : rateFor(request.floor, 100),
      );
    }
    const khz = Math.max(rateFor(iso, ISO_SHARE), rateFor(total, 100), floor);
    if (khz * 1000 > this.capHz) return false;
    if (this.emc && khz > 0) this.clocks.setRate(this.emc, khz * 1000);
    return true;
  }

  private lastRequest(tx: Uint8Array, reply: Reply): number {
    if (tx.length < 9) return BpmpError.EINVAL;
    const client = u32(tx, 4);
    if (!isClient(client) || tx[8]! > 1) return BpmpError.EINVAL;
    const request = this.requests.get(client);
    reply.u32(client);
    reply.u32(request?.nisoKbps ?? 0);
    reply.u32(request?.isoKbps ?? 0);
    reply.u32(request?.floor ?? 0);
    reply.u8(request?.floorUnit ?? tx[8]!);
    return 0;
  }
}

function isClient(id: number): boolean {
  return id >= 1 && id <= MAX_CLIENT;
}

/** The lowest memory rate in kHz at which `share` of 100 of the bus carries `kbps`; Infinity where none does. */
function rateFor(kbps: number, share: number): number {
  return nextRate((kbps * 100) / (BYTES_PER_CYCLE * share));
}

function nextRate(khz: number): number {
  return khz <= 0 ? 0 : (MEMORY_RATES_KHZ.find((rate) => rate >= khz) ?? Number.POSITIVE_INFINITY);
}

/** A count and as many {kHz, value} pairs as there are rates; the array's other entries are zero. */
function pairs(reply: Reply, valueAt: (khz: number) => number): number {
  reply.u32(MEMORY_RATES_KHZ.length);
  for (const khz of MEMORY_RATES_KHZ) {
    reply.u32(khz);
    reply.u32(valueAt(khz));
  }
  reply.zeros(4 + 14 * 8 - reply.size);
  return 0;
}
