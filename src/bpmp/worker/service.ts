import { addon } from '../../native/index.js';
import { type Backend, createBackend, ModelMemory, SimulatedBpmp } from '../backend/index.js';
import type { Bridge, Control } from '../bridge/bridge.js';
import { TransferRing } from '../capture/index.js';
import {
  Ledger,
  LedgerRecords,
  Mediator,
  parentsOf,
  type ReleaseReport,
  recentDecisions,
} from '../mediator/index.js';
import { type CompiledPolicy, type Policy, type PolicyLearner, parsePolicy } from '../policy/index.js';
import { askMediator, type BpmpAnswer } from './ask.js';
import { type BegunLedger, beginLedger, takeOverLedger } from './begin-ledger.js';
import type { PolicedConfig } from './config.js';
import { createBridge } from './create-bridge.js';
import { cannotTakeOver, type HandOverState, readState, STATE_VERSION } from './hand-over.js';
import type { BridgeEnded, BridgeMeasurements, BridgeSnapshot, FromWorker } from './messages.js';
import { readyOf } from './ready.js';
import { LEDGER_AT, MODEL_AT, RING_AT, type StateMemory } from './state-memory.js';

/** What is made of one VM's configuration, and serves it. */
export class Service {
  readonly #ring: TransferRing;
  readonly backend: Backend;
  readonly #config: PolicedConfig;
  readonly #state: StateMemory;
  readonly #control: Control;
  readonly #send: (message: FromWorker) => void;
  readonly #policy: Policy;
  /** What a former process passed on; absent in a take-over after it was killed. */
  readonly #passedOn: HandOverState | undefined;
  #parents: readonly number[] = [];
  #ledger: BegunLedger | undefined;
  #records: LedgerRecords | undefined;
  #mediator: Mediator | undefined;
  /** The mediator as long as a guest is served: what is changed behind that nobody would give back. */
  #serving: { readonly mediator: Mediator; readonly policy: CompiledPolicy } | undefined;
  #learner: PolicyLearner | undefined;
  #bridge: Bridge | undefined;
  #isClosing = false;
  #onHandedOver: ((state: HandOverState) => void) | undefined;

  constructor(
    config: PolicedConfig,
    state: StateMemory,
    control: Control,
    send: (message: FromWorker) => void,
  ) {
    this.#config = config;
    this.#state = state;
    this.#control = control;
    this.#send = send;
    try {
      this.#passedOn = this.#begin();
      this.#ring = new TransferRing(state.memory, RING_AT, () => send({ type: 'transfers' }));
      this.#policy = parsePolicy(config.policy.text, { file: config.policy.file });
      this.backend = createBackend(config.backend, new ModelMemory(state.memory, MODEL_AT));
    } catch (error) {
      this.#letGo();
      throw error;
    }
    // What the BPMP asks goes to the guest where the bridge can reach one; what becomes of it, the bridge counts.
    this.backend.onRequest = (mrq, payload) => void this.#bridge?.notify?.(mrq, payload);
  }

  /** Serves until the last guest is gone, or passed on. Throws what it failed with before it served. */
  async run(): Promise<void> {
    const { takeOver, ledgerFile } = this.#config;
    this.#parents = this.#passedOn?.parents ?? (await this.#askParents());
    if (ledgerFile !== undefined) {
      this.#ledger =
        takeOver === undefined
          ? await beginLedger(ledgerFile, this.#config, this.backend)
          : takeOverLedger(ledgerFile);
    }
    this.#records = this.#ledger?.file.records ?? new LedgerRecords(this.#state.memory, LEDGER_AT);
    const options = { sharedParents: { clocks: this.#parents }, named: this.#config.named };
    const compiled = this.#policy.compile(options);
    this.#learner = this.#policy.mode === 'learn' ? this.#policy.learner(options) : undefined;
    if (this.#passedOn?.learner) this.#learner?.restore(this.#passedOn.learner);
    for (let isFirst = true; ; isFirst = false) {
      this.#mediator = this.#newMediator(compiled, isFirst);
      if (this.#bridge === undefined) await this.#createBridge(compiled, this.#mediator);
      // Each guest has a mediator of its own, with its own ledger; the socket that they come to is the same.
      this.#serving = { mediator: this.#mediator, policy: compiled };
      if (!(await this.#serveOne(this.#bridge as unknown as Bridge, this.#mediator))) return;
    }
  }

  close(): void {
    this.#isClosing = true;
    this.#bridge?.close();
  }

  async end(): Promise<void> {
    // The bridge would have closed it; the wrapper at the other end waits for this.
    if (this.#bridge === undefined) this.#letGo();
    await this.backend.close();
  }

  /** Resolves when the bridge serves no more. */
  handOver(deadlineMs: number): Promise<HandOverState> {
    const quiesce = this.#bridge?.quiesce?.bind(this.#bridge);
    if (quiesce === undefined) return Promise.reject(new Error('the bridge does not serve yet'));
    return new Promise((resolve) => {
      this.#onHandedOver = resolve;
      quiesce(deadlineMs);
    });
  }

  guestReset(): Promise<ReleaseReport> | undefined {
    return this.#mediator?.guestReset();
  }

  /** A request that is not the guest's own, answered as one of the guest's. Throws where no guest is served. */
  request(mrq: number, tx: Uint8Array): BpmpAnswer | Promise<BpmpAnswer> {
    if (this.#serving === undefined || this.#onHandedOver !== undefined)
      throw new Error('the bridge serves no guest at present');
    return askMediator(this.#serving.mediator, this.#serving.policy, mrq, tx);
  }

  setGuestProcess(pid: number): void {
    this.#ledger?.file.setGuest(pid);
  }

  snapshot(): BridgeSnapshot | undefined {
    if (this.#mediator === undefined) return undefined;
    return { ...this.#mediator.snapshot(), bridge: this.#bridge?.stats() ?? {}, recordsDropped: 0 };
  }

  measurements(): BridgeMeasurements | undefined {
    const snapshot = this.snapshot();
    if (snapshot === undefined) return undefined;
    const { mode, view } = this.#policy;
    return {
      snapshot,
      latencies: this.#mediator?.latencies() ?? [],
      policy: { file: this.#config.policy.file, mode, view },
    };
  }

  #begin(): HandOverState | undefined {
    const { takeOver, bridge } = this.#config;
    if (takeOver === undefined) {
      this.#state.begin(bridge.kind);
      return undefined;
    }
    const unfit = this.#state.unfit(bridge.kind);
    if (unfit !== undefined) throw cannotTakeOver(unfit);
    return takeOver.state === undefined ? undefined : readState(takeOver.state, this.#config);
  }

  /** What only the BPMP knows of a policy: which clocks stand above the granted ones. */
  async #askParents(): Promise<readonly number[]> {
    const { grantedClocks, chip } = this.#policy.compile();
    return [...(await parentsOf(grantedClocks, this.backend, chip.clocks.maxId))];
  }

  #newMediator(policy: CompiledPolicy, isFirst: boolean): Mediator {
    const ledger = this.#records && new Ledger(this.#records, this.#records.held());
    return new Mediator({
      vm: this.#config.vm,
      policy,
      backend: this.backend,
      onDenial: (denial) => this.#send({ type: 'denial', denial }),
      ...(this.#learner && { learner: this.#learner }),
      ...(ledger && { ledger }),
      ...(isFirst && this.#passedOn && { saved: this.#passedOn.mediator }),
      ring: this.#ring,
    });
  }

  async #createBridge(policy: CompiledPolicy, mediator: Mediator): Promise<void> {
    let isAsked = false;
    const onDescriptors = () => {
      if (isAsked) return;
      isAsked = true;
      // The bridge is in the middle of a change.
      queueMicrotask(() => {
        isAsked = false;
        this.#offerDescriptors();
      });
    };
    const { bridge, ready } = await createBridge(
      this.#config,
      mediator,
      this.#control,
      onDescriptors,
      this.#state,
    );
    this.#bridge = bridge;
    this.#send({ type: 'ready', ready: readyOf(ready, policy, this.#ledger?.recovered) });
    // One that takes over has not yet taken up what it was given, and tells when it has.
    if (this.#config.takeOver === undefined) this.#offerDescriptors();
  }

  #offerDescriptors(): void {
    const fds = this.#bridge?.descriptors?.() ?? [];
    if (fds.length === 0) return;
    const copies = fds.map(({ name, fd }) => ({ name, fd: addon().duplicateFd(fd) }));
    this.#send({ type: 'descriptors', fds: copies });
  }

  /** Whether another guest may come. */
  async #serveOne(bridge: Bridge, mediator: Mediator): Promise<boolean> {
    const end = await bridge.serve(mediator);
    this.#serving = undefined;
    const isHandedOver = end.reason === 'handed-over';
    const release = isHandedOver ? NOTHING_RELEASED : await mediator.release();
    const ended: BridgeEnded = {
      end,
      release,
      snapshot: this.snapshot() as BridgeSnapshot,
      lastDecisions: recentDecisions(this.#state.memory, RING_AT, this.#policy.chip),
      ...(this.#learner && { learned: this.#learner.text() }),
      ...(this.backend instanceof SimulatedBpmp && { backendState: this.backend.state() }),
    };
    if (isHandedOver) this.#onHandedOver?.(this.#save(mediator));
    const goesOn = bridge.canServeAgain === true && !this.#isClosing && !isHandedOver;
    // What could not be given back stays in the file, for a later try.
    const isOver = !goesOn && !isHandedOver;
    if (isOver && this.#ledger?.file.records.held().length === 0) this.#ledger.file.remove();
    // Behind the answer of a hand-over, which takes a turn.
    await Promise.resolve();
    this.#send({ type: goesOn ? 'guest-ended' : 'ended', ended });
    return goesOn;
  }

  #save(mediator: Mediator): HandOverState {
    return {
      version: STATE_VERSION,
      vm: this.#config.vm,
      kind: this.#config.bridge.kind,
      mediator: mediator.save(),
      parents: this.#parents,
      ...(this.#learner && { learner: this.#learner.save() }),
    };
  }

  /** Nobody will serve: the wrapper at the other end waits for this. */
  #letGo(): void {
    const { bridge } = this.#config;
    const fd =
      bridge.kind === 'interposed'
        ? bridge.socketFd
        : bridge.kind === 'vfio-user'
          ? bridge.listenerFd
          : undefined;
    if (fd !== undefined) addon().closeFd(fd);
  }
}

const NOTHING_RELEASED: ReleaseReport = { entries: [], givenBack: 0, kept: 0, failed: 0 };
