import { GpuvmError } from '../../errors.js';
import { addon } from '../../native/index.js';
import { type Backend, createBackend, ModelMemory, SimulatedBpmp } from '../backend/index.js';
import type { Bridge, Control } from '../bridge/bridge.js';
import { TransferRing } from '../capture/index.js';
import { recentDecisions, Unpoliced } from '../mediator/index.js';
import { tegra234 } from '../tegra234/index.js';
import type { BridgeConfig } from './config.js';
import { createBridge } from './create-bridge.js';
import type { BridgeSnapshot, FromWorker } from './messages.js';
import { MODEL_AT, RING_AT, type StateMemory } from './state-memory.js';

/** Serves one program of this host on which no policy decides: what it asks is forwarded and recorded, and that is all. */
export class UnpolicedService {
  readonly backend: Backend;
  readonly #config: BridgeConfig;
  readonly #state: StateMemory;
  readonly #control: Control;
  readonly #send: (message: FromWorker) => void;
  readonly #handler: Unpoliced;
  #bridge: Bridge | undefined;

  constructor(
    config: BridgeConfig,
    state: StateMemory,
    control: Control,
    send: (message: FromWorker) => void,
  ) {
    this.#config = config;
    this.#state = state;
    this.#control = control;
    this.#send = send;
    try {
      if (config.bridge.kind !== 'interposed' || config.takeOver || config.ledgerFile !== undefined)
        throw new GpuvmError('GPUVM_BRIDGE', 'only a program of this host can do without a policy');
      state.begin(config.bridge.kind);
      const ring = new TransferRing(state.memory, RING_AT, () => send({ type: 'transfers' }));
      this.backend = createBackend(config.backend, new ModelMemory(state.memory, MODEL_AT));
      this.#handler = new Unpoliced({ vm: config.vm, backend: this.backend, chip: tegra234, ring });
    } catch (error) {
      this.#letGo();
      throw error;
    }
  }

  async run(): Promise<void> {
    const handler = this.#handler;
    const nobody = () => {};
    const { bridge, ready } = await createBridge(this.#config, handler, this.#control, nobody, this.#state);
    this.#bridge = bridge;
    const guest = { i2cBuses: [], thermal: true, observed: true };
    this.#send({ type: 'ready', ready: { ...ready, guest } });
    const end = await bridge.serve(handler);
    this.#send({
      type: 'ended',
      ended: {
        end,
        release: { entries: [], givenBack: 0, kept: 0, failed: 0 },
        snapshot: this.snapshot(),
        lastDecisions: recentDecisions(this.#state.memory, RING_AT, tegra234),
        ...(this.backend instanceof SimulatedBpmp && { backendState: this.backend.state() }),
      },
    });
  }

  close(): void {
    this.#bridge?.close();
  }

  async end(): Promise<void> {
    // The bridge would have closed it; the wrapper at the other end waits for this.
    if (this.#bridge === undefined) this.#letGo();
    await this.backend.close();
  }

  snapshot(): BridgeSnapshot {
    return { ...this.#handler.snapshot(), bridge: this.#bridge?.stats() ?? {}, recordsDropped: 0 };
  }

  measurements(): undefined {
    return undefined;
  }

  request(): never {
    throw new Error('there is no guest whose policy could decide');
  }

  guestReset(): never {
    throw new Error('there is no guest');
  }

  handOver(): never {
    throw new Error('a program that is only looked at is not handed over');
  }

  setGuestProcess(): void {}

  #letGo(): void {
    const { bridge } = this.#config;
    if (bridge.kind === 'interposed' && bridge.socketFd !== undefined) addon().closeFd(bridge.socketFd);
  }
}
