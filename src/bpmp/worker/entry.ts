/** One VM's thread: its bridge, its mediator and its backend. Everything that a guest can make wait, waits here. */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { formatPlace, GpuvmError } from '../../errors.js';
import { addon } from '../../native/index.js';
import { type Backend, createBackend, SimulatedBpmp } from '../backend/index.js';
import type { Bridge, Control } from '../bridge/bridge.js';
import {
  Ledger,
  Mediator,
  parentsOf,
  RecentDecisions,
  type ReleaseReport,
  type TransferRecord,
} from '../mediator/index.js';
import { type CompiledPolicy, type CompileOptions, type Policy, parsePolicy } from '../policy/index.js';
import { Mrq } from '../wire/index.js';
import { type BegunLedger, beginLedger } from './begin-ledger.js';
import type { BridgeConfig } from './config.js';
import { createBridge } from './create-bridge.js';
import type {
  BridgeEnded,
  BridgeReady,
  BridgeSnapshot,
  FromWorker,
  Question,
  ToWorker,
  WorkerData,
} from './messages.js';
import { Recording } from './recording.js';
import { RECENT_AT, StateMemory } from './state-memory.js';

const { controlFd } = workerData as WorkerData;
if (parentPort === null) throw new Error('this module is a worker thread');
const port = parentPort;

const send = (message: FromWorker): void => port.postMessage(message);
const recording = new Recording((records, dropped) => send({ type: 'transfers', records, dropped }));

let closing = false;
let bridge: Bridge | undefined;
let mediator: Mediator | undefined;
let backend: Backend | undefined;
let ledger: BegunLedger | undefined;

const control: Control = {
  fd: controlFd,
  drain() {
    addon().eventfdDrain(controlFd);
    for (let got = receiveMessageOnPort(port); got !== undefined; got = receiveMessageOnPort(port)) {
      onMessage(got.message as ToWorker);
    }
  },
};
// While the thread is in its event loop messages come this way; while it blocks, through `control`.
port.on('message', onMessage);

function onMessage(message: ToWorker): void {
  switch (message.type) {
    case 'ask':
      answer(message.id, message.question);
      return;
    case 'flush':
      recording.flush();
      return;
    case 'serve':
      void serveAll(message.config, new StateMemory(message.stateFd));
      return;
    case 'guest-process':
      ledger?.file.setGuest(message.pid);
      return;
    case 'close':
      closing = true;
      bridge?.close();
  }
}

function answer(id: number, question: Question): void {
  const refuse = (error: Error) => send({ type: 'refusal', id, message: error.message });
  try {
    const value = reply(question);
    // What is there is sent at once: a bridge that blocks gives promises no turn for a while.
    if (value instanceof Promise) value.then((late) => send({ type: 'answer', id, value: late }), refuse);
    else send({ type: 'answer', id, value });
  } catch (error) {
    refuse(error as Error);
  }
}

function reply(question: Question): unknown {
  if (question.what === 'snapshot') return snapshot();
  if (question.what === 'guest-reset') return mediator?.guestReset();
  const model = backend instanceof SimulatedBpmp ? backend : undefined;
  if (question.what === 'backend-state') return model?.state();
  if (model === undefined) throw new Error('only a simulated BPMP can be made warmer or colder');
  return model.setTemperature(question.zone, question.millicelsius);
}

function snapshot(): BridgeSnapshot | undefined {
  if (mediator === undefined) return undefined;
  return { ...mediator.snapshot(), bridge: bridge?.stats() ?? {}, recordsDropped: recording.dropped };
}

/** What only the BPMP knows of a policy: which clocks stand above the granted ones. */
async function askParents(policy: Policy, from: Backend): Promise<CompileOptions> {
  const { grantedClocks, chip } = policy.compile();
  return { sharedParents: { clocks: await parentsOf(grantedClocks, from, chip.clocks.maxId) } };
}

async function serve(
  config: BridgeConfig,
  policy: Policy,
  options: CompileOptions,
  from: Backend,
  state: StateMemory,
): Promise<void> {
  const compiled = policy.compile(options);
  const learner = policy.mode === 'learn' ? policy.learner(options) : undefined;
  const recent = new RecentDecisions(state.memory, RECENT_AT);
  for (;;) {
    const held = ledger?.file.records.held() ?? [];
    mediator = new Mediator({
      vm: config.vm,
      policy: compiled,
      backend: from,
      onDenial: (denial) => send({ type: 'denial', denial }),
      ...(learner && { learner }),
      ...(ledger && { ledger: new Ledger(ledger.file.records, held) }),
      ...(config.record && { onRecord: (record: TransferRecord) => recording.add(record) }),
      recent,
    });
    if (bridge === undefined) {
      const created = await createBridge(config, mediator, control);
      bridge = created.bridge;
      send({ type: 'ready', ready: readyOf(created.ready, compiled, ledger?.recovered) });
    }
    // Each guest has a mediator of its own, with its own ledger; the socket that they come to is the same.
    const end = await bridge.serve(mediator);
    const release = await mediator.release();
    recording.flush();
    const ended: BridgeEnded = {
      end,
      release,
      snapshot: snapshot()!,
      lastDecisions: recent.read(policy.chip),
      ...(learner && { learned: learner.text() }),
      ...(from instanceof SimulatedBpmp && { backendState: from.state() }),
    };
    const goesOn = bridge.canServeAgain === true && !closing;
    // What could not be given back stays in the file, for a later try.
    if (!goesOn && ledger?.file.records.held().length === 0) ledger.file.remove();
    send({ type: goesOn ? 'guest-ended' : 'ended', ended });
    if (!goesOn) return;
  }
}

function readyOf(
  ready: Omit<BridgeReady, 'guest'>,
  policy: CompiledPolicy,
  recovered: ReleaseReport | undefined,
): BridgeReady {
  const lines = policy.warnings.map(({ message, place }) => `${formatPlace(place)}: ${message}`);
  const guest = {
    i2cBuses: policy.grantedBuses,
    thermal: policy.isMrqVisible(Mrq.THERMAL),
    observed: policy.mode !== 'enforce',
  };
  const left = recovered === undefined ? [] : [describeRecovered(recovered)];
  return { ...ready, notes: [...left, ...lines, ...ready.notes], guest, ...(recovered && { recovered }) };
}

function describeRecovered({ givenBack, kept, failed }: ReleaseReport): string {
  const rest = `${kept > 0 ? `, ${kept} kept` : ''}${failed > 0 ? `, ${failed} failed` : ''}`;
  return `an earlier run of this VM ended without giving back what it held: ${givenBack} given back now${rest}`;
}

async function serveAll(config: BridgeConfig, state: StateMemory): Promise<void> {
  try {
    backend = createBackend(config.backend);
    // What the BPMP asks goes to the guest where the bridge can reach one; what becomes of it, the bridge counts.
    backend.onRequest = (mrq, payload) => void bridge?.notify?.(mrq, payload);
    const policy = parsePolicy(config.policy.text, { file: config.policy.file });
    const parents = await askParents(policy, backend);
    if (config.ledgerFile !== undefined) ledger = await beginLedger(config.ledgerFile, config, backend);
    await serve(config, policy, { ...parents, named: config.named }, backend, state);
  } catch (error) {
    const code = GpuvmError.is(error) ? error.code : 'GPUVM_BRIDGE';
    // The bridge would have closed it; the wrapper at the other end waits for this.
    if (bridge === undefined && config.bridge.kind === 'interposed') addon().closeFd(config.bridge.socketFd);
    send({ type: 'failed', code, message: error instanceof Error ? error.message : String(error) });
  } finally {
    await backend?.close();
    port.off('message', onMessage);
    port.unref();
  }
}
