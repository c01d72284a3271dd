import { constants } from 'node:os';
import { tegra234 } from '../../tegra234/index.js';
import { BpmpError, Mrq, ThermalCommand } from '../../wire/index.js';
import type { Backend, Outcome, RequestListener } from '../backend.js';
import { FRAME_SIZE, type Handler, Reply } from './bytes.js';
import { Clocks } from './clocks.js';
import { Debug } from './debug.js';
import { debugTree } from './debug-tree.js';
import { Delays } from './delays.js';
import { Domains } from './domains.js';
import { Faults } from './faults.js';
import { I2c } from './i2c.js';
import { Memory } from './memory.js';
import * as misc from './misc.js';
import { ModelMemory } from './model-memory.js';
import type { SimulatedOptions } from './options.js';
import { Resets } from './resets.js';
import { type Difference, differences, type SimulatedState } from './state.js';
import { Thermal } from './thermal.js';

/** `MAX_CPU_MRQ_ID`. */
const MAX_MRQ = 95;

/**
 * A model of a Tegra234's power firmware, for machines that have none. It answers at once, with no promise, unless
 * a latency or a fault is configured; requests are served one after the other, in the order of `transfer`.
 *
 * Like the mailbox of the real one it takes up to 120 bytes (more is -EINVAL, as Linux refuses it), and cuts a reply
 * to the caller's buffer without calling that an error: firmware never learns how much its caller has room for.
 */
export class SimulatedBpmp implements Backend {
  readonly name = 'simulated';
  onRequest: RequestListener | undefined;
  private readonly clocks: Clocks;
  private readonly resets: Resets;
  private readonly domains: Domains;
  private readonly memory: Memory;
  private readonly straps = new misc.Straps();
  private readonly uphy = new misc.Uphy();
  private readonly monitors: misc.FrequencyMonitors;
  private readonly thermal: Thermal;
  private readonly debug: Debug;
  private readonly handlers: readonly (Handler | undefined)[];
  private readonly reply = new Reply();
  private readonly counts: Uint32Array;
  private otherCount = 0;
  private readonly faults: Faults | undefined;
  private readonly delays: Delays;
  private readonly immediate: boolean;
  private closed = false;
  private readonly powerOn: SimulatedState;

  /**
   * @param memory - where its clocks, resets, domains and counts are to lie, so that a successor can go on with them; see
   *   `ModelMemory`
   */
  constructor(options: SimulatedOptions = {}, memory = new ModelMemory()) {
    this.clocks = new Clocks(tegra234.clocks, memory);
    this.resets = new Resets(tegra234.resets, memory);
    this.domains = new Domains(tegra234.powerDomains, memory);
    this.counts = memory.take(Uint32Array, MAX_MRQ + 1);
    this.memory = new Memory(this.clocks);
    this.monitors = new misc.FrequencyMonitors(this.clocks);
    memory.begun();
    const tag = options.tag ?? 'gpuvm-simulated-bpmp';
    this.thermal = new Thermal(options.thermalZones, (zone) => this.tellOfTrip(zone));
    const root = debugTree({
      clocks: this.clocks,
      thermal: this.thermal,
      tag,
      clockLimit: options.debugClocks ?? Number.POSITIVE_INFINITY,
      requests: () => this.requests(),
    });
    this.debug = new Debug(root);
    this.handlers = this.table(tag);
    this.faults = options.faults?.length ? new Faults(options.faults) : undefined;
    this.delays = new Delays(options.latencyUs, options.seed);
    this.immediate = this.faults === undefined && !options.latencyUs;
    this.powerOn = this.state();
  }

  transfer(mrq: number, tx: Uint8Array, rx: Uint8Array): Outcome | Promise<Outcome> {
    if (this.closed) return { ret: -constants.errno.ENODEV, rxSize: 0 };
    if (this.immediate) return this.answer(mrq, tx, rx);
    const fault = this.faults?.find(mrq, tx);
    if (fault?.hang) return this.delays.never();
    const latencyUs = fault?.latencyUs ?? this.delays.draw();
    const outcome = fault?.ret === undefined ? this.answer(mrq, tx, rx) : { ret: fault.ret, rxSize: 0 };
    return latencyUs > 0 ? this.delays.later(outcome, latencyUs) : outcome;
  }

  /** Makes a zone ("cpu") warmer or colder, in millicelsius. Throws RangeError where there is none of that name. */
  setTemperature(zone: string, millicelsius: number): void {
    this.thermal.setTemperature(zone, millicelsius);
  }

  /** Everything that a guest can change, by name. */
  state(): SimulatedState {
    const { clocks, enabled, parents, rateLocked } = this.clocks;
    const nameOf = (id: number) => tegra234.clocks.nameOf(id)!;
    const ids = tegra234.clocks.ids;
    return {
      clocks: Object.fromEntries(
        ids.map((id) => {
          const parent = clocks[id]!.parents.length > 0 ? nameOf(parents[id]!) : null;
          return [nameOf(id), { id, enabled: enabled[id] === 1, rate: this.clocks.rate(id), parent }];
        }),
      ),
      asserted: this.resets.asserted(),
      powered: this.domains.on(),
      trips: this.thermal.set(),
      openFiles: this.debug.openFiles(),
      rateLocked: ids.filter((id) => rateLocked[id]).map(nameOf),
      straps: Object.fromEntries(this.straps.values),
      pcie: { controllers: [...this.uphy.controllers], endpointPlls: [...this.uphy.endpointPlls] },
      monitors: Object.fromEntries([...this.monitors.clamped].map(([id, hz]) => [nameOf(id), hz])),
      memory: this.memory.state(),
      requests: this.requests(),
    };
  }

  /** What is not as in `before`, which is power-on if nothing else is given. */
  diff(before: SimulatedState = this.powerOn): Difference[] {
    return differences(before, this.state());
  }

  /** Requests that hang, and all that come later, are answered -ENODEV. */
  close(): void {
    this.closed = true;
    this.delays.close();
  }

  /** `struct mrq_thermal_bpmp_to_host_request`. */
  private tellOfTrip(zone: number): void {
    const payload = new Uint8Array(8);
    const view = new DataView(payload.buffer);
    view.setUint32(0, ThermalCommand.HOST_TRIP_REACHED, true);
    view.setUint32(4, zone, true);
    // Behind the answer to the request that set the trip, where it is reached already.
    setImmediate(() => this.closed || this.onRequest?.(Mrq.THERMAL, payload));
  }

  private answer(mrq: number, tx: Uint8Array, rx: Uint8Array): Outcome {
    if (mrq > MAX_MRQ) this.otherCount += 1;
    else this.counts[mrq]! += 1;
    const handler = mrq <= MAX_MRQ ? this.handlers[mrq] : undefined;
    if (tx.length > FRAME_SIZE) return { ret: BpmpError.EINVAL, rxSize: 0 };
    if (handler === undefined) return { ret: BpmpError.ENODEV, rxSize: 0 };
    const { reply } = this;
    reply.size = 0;
    const ret = handler(tx, reply);
    // Only the bandwidth manager sends data along with an error.
    if (ret < 0 && mrq !== Mrq.BWMGR_INT) return { ret, rxSize: 0 };
    const rxSize = Math.min(reply.size, rx.length);
    const { bytes } = reply;
    for (let index = 0; index < rxSize; index++) rx[index] = bytes[index]!;
    return { ret, rxSize };
  }

  /**
   * What a Tegra234 answers to. QUERY_TAG and DEBUGFS are left out although older firmware has them: they pass
   * physical addresses, which from a guest are not the host's. So is the console's ring buffer, of which the
   * header lets a build have none.
   */
  private table(tag: string): (Handler | undefined)[] {
    const handlers: (Handler | undefined)[] = new Array(MAX_MRQ + 1).fill(undefined);
    const i2c = new I2c();
    handlers[Mrq.PING] = misc.ping;
    handlers[Mrq.THREADED_PING] = misc.ping;
    handlers[Mrq.RESET] = (tx, reply) => this.resets.handle(tx, reply);
    handlers[Mrq.I2C] = (tx, reply) => i2c.handle(tx, reply);
    handlers[Mrq.CLK] = (tx, reply) => this.clocks.handle(tx, reply);
    handlers[Mrq.QUERY_ABI] = misc.queryAbi((mrq) => this.handlers[mrq] !== undefined);
    handlers[Mrq.THERMAL] = (tx, reply) => this.thermal.handle(tx, reply);
    handlers[Mrq.ABI_RATCHET] = misc.abiRatchet;
    handlers[Mrq.EMC_DVFS_LATENCY] = this.memory.latency;
    handlers[Mrq.PG] = (tx, reply) => this.domains.handle(tx, reply);
    handlers[Mrq.CPU_NDIV_LIMITS] = misc.ndivLimits;
    handlers[Mrq.STRAP] = this.straps.handle;
    handlers[Mrq.UPHY] = this.uphy.handle;
    handlers[Mrq.QUERY_FW_TAG] = misc.firmwareTag(tag);
    handlers[Mrq.FMON] = this.monitors.handle;
    handlers[Mrq.DEBUG] = (tx, reply) => this.debug.handle(tx, reply);
    handlers[Mrq.EMC_DVFS_EMCHUB] = this.memory.hub;
    handlers[Mrq.BWMGR] = this.memory.bwmgr;
    handlers[Mrq.ISO_CLIENT] = this.memory.isoClient;
    handlers[Mrq.EMC_DISP_RFL] = this.memory.displayRfl;
    handlers[Mrq.BWMGR_INT] = this.memory.bwmgrInt;
    handlers[Mrq.OC_STATUS] = misc.overcurrentStatus;
    return handlers;
  }

  private requests(): Record<string, number> {
    const entries: [string, number][] = [];
    for (const [mrq, count] of this.counts.entries()) if (count > 0) entries.push([String(mrq), count]);
    if (this.otherCount > 0) entries.push(['other', this.otherCount]);
    return Object.fromEntries(entries);
  }
}
