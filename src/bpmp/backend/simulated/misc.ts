import { BpmpError } from '../../wire/index.js';
import { type Handler, i64, type Reply, u16, u32 } from './bytes.js';
import type { Clocks } from './clocks.js';

const TAG_SIZE = 32;
const ABI_RATCHET = 3;
const MAX_STRAP = 15;
const CPU_CLUSTERS = 3;
/** What the clusters' loops count from. */
const CPU_REFERENCE_HZ = 38_400_000;

/** MRQ_PING, MRQ_THREADED_PING: the challenge shifted left by one, the carry dropped. */
export const ping: Handler = (tx, reply) => {
  if (tx.length < 4) return BpmpError.EINVAL;
  reply.u32(u32(tx, 0) << 1);
  return 0;
};

/** MRQ_QUERY_FW_TAG. */
export function firmwareTag(tag: string): Handler {
  const bytes = new Uint8Array(TAG_SIZE);
  new TextEncoder().encodeInto(tag, bytes);
  return (_tx, reply) => {
    reply.copy(bytes, 0, TAG_SIZE);
    return 0;
  };
}

/** MRQ_QUERY_ABI: the query succeeds, and the reply says whether the MRQ is there. */
export function queryAbi(supports: (mrq: number) => boolean): Handler {
  return (tx, reply) => {
    if (tx.length < 4) return BpmpError.EINVAL;
    reply.u32(supports(u32(tx, 0)) ? 0 : BpmpError.ENODEV);
    return 0;
  };
}

/** MRQ_ABI_RATCHET. */
export const abiRatchet: Handler = (tx, reply) => {
  if (tx.length < 2) return BpmpError.EINVAL;
  if (u16(tx, 0) < ABI_RATCHET) return BpmpError.ERANGE;
  reply.u16(ABI_RATCHET);
  return 0;
};

/** MRQ_CPU_NDIV_LIMITS. */
export const ndivLimits: Handler = (tx, reply) => {
  if (tx.length < 4 || u32(tx, 0) >= CPU_CLUSTERS) return BpmpError.EINVAL;
  reply.u32(CPU_REFERENCE_HZ);
  for (const value of [1, 1, 57, 3]) reply.u16(value);
  return 0;
};

/** MRQ_OC_STATUS: no alarm has throttling on, none has fired. */
export const overcurrentStatus: Handler = (_tx, reply) => {
  reply.zeros(24 + 24 * 4);
  return 0;
};

/** MRQ_STRAP. The header names no ids, so the model has sixteen. */
export class Straps {
  readonly values = new Map<number, number>();

  readonly handle: Handler = (tx) => {
    if (tx.length < 4) return BpmpError.EINVAL;
    if (u32(tx, 0) !== 1) return BpmpError.EBADCMD;
    if (tx.length < 12 || u32(tx, 4) > MAX_STRAP) return BpmpError.EINVAL;
    this.values.set(u32(tx, 4), u32(tx, 8));
    return 0;
  };
}

const UphyCommand = {
  MARGIN_CONTROL: 1,
  MARGIN_STATUS: 2,
  EP_PLL_INIT: 3,
  CONTROLLER_STATE: 4,
  EP_PLL_OFF: 5,
} as const;
const UPHY_MINIMUM: readonly number[] = [0, 24, 4, 5, 6, 5];
/** Controllers of a Tegra234 that can be an endpoint. */
const ENDPOINTS = [5, 6, 7, 10];
const MAX_CONTROLLER = 10;

/** MRQ_UPHY: which PCIe controllers and endpoint PLLs are on. */
export class Uphy {
  readonly controllers = new Set<number>();
  readonly endpointPlls = new Set<number>();

  readonly handle: Handler = (tx: Uint8Array, reply: Reply) => {
    if (tx.length < 4) return BpmpError.EINVAL;
    const command = u16(tx, 2);
    const minimum = UPHY_MINIMUM[command];
    if (!minimum) return BpmpError.EBADCMD;
    if (tx.length < minimum) return BpmpError.EINVAL;
    switch (command) {
      case UphyCommand.MARGIN_CONTROL:
        return u32(tx, 4) > 1 || u32(tx, 8) > 1 || u32(tx, 12) > 127 || u32(tx, 16) > 63 || u32(tx, 20) > 15
          ? BpmpError.EINVAL
          : 0;
      case UphyCommand.MARGIN_STATUS:
        reply.u32(0);
        return 0;
      case UphyCommand.CONTROLLER_STATE:
        return setMember(this.controllers, tx[4]!, tx[4]! <= MAX_CONTROLLER, tx[5] !== 0);
      default:
        return setMember(
          this.endpointPlls,
          tx[4]!,
          ENDPOINTS.includes(tx[4]!),
          command === UphyCommand.EP_PLL_INIT,
        );
    }
  };
}

function setMember(set: Set<number>, id: number, valid: boolean, on: boolean): number {
  if (!valid) return BpmpError.EINVAL;
  if (on) set.add(id);
  else set.delete(id);
  return 0;
}

/** MRQ_FMON: frequency monitors, one for each clock that scales with voltage. */
export class FrequencyMonitors {
  readonly clamped = new Map<number, number>();

  constructor(private readonly clocks: Clocks) {}

  readonly handle: Handler = (tx, reply) => {
    if (tx.length < 4) return BpmpError.EINVAL;
    const command = u32(tx, 0) >>> 24;
    const id = u32(tx, 0) & 0xff_ffff;
    if (command < 1 || command > 4) return BpmpError.EBADCMD;
    if (!this.clocks.clocks[id]?.fmaxAtVmin) return BpmpError.ENODEV;
    if (command === 1) {
      if (tx.length < 16) return BpmpError.EINVAL;
      const hz = i64(tx, 8);
      if (hz < 1) return BpmpError.EINVAL;
      if (this.clamped.has(id) && this.clamped.get(id) !== hz) return BpmpError.EBUSY;
      this.clamped.set(id, hz);
    } else if (command === 2) this.clamped.delete(id);
    else if (command === 3) reply.u64(this.clamped.get(id) ?? 0);
    else if (tx.length < 8 || u32(tx, 4) > 2) return BpmpError.EINVAL;
    else reply.u32(0);
    return 0;
  };
}
