/** One VM's thread: its bridge, its mediator and its backend. Everything that a guest can make wait, waits here. */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { formatPlace, GpuvmError } from '../../errors.js';
import { addon } from '../../native/index.js';
import { type Backend, createBackend, SimulatedBpmp } from '../backend/index.js';
import type { Bridge, Control } from '../bridge/bridge.js';
import { Mediator, parentsOf, type TransferRecord } from '../mediator/index.js';
import { type CompiledPolicy, type CompileOptions, type Policy, parsePolicy } from '../policy/index.js';
import { Mrq } from '../wire/index.js';
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
import { LastRecords, Recording } from './recording.js';

const { controlFd } = workerData as WorkerData;
if (parentPort === null) throw new Error('this module is a worker thread');
const port = parentPort;

const send = (message: FromWorker): void => port.postMessage(message);
const recording = new Recording((records, dropped) => send({ type: 'transfers', records, dropped }));
const last = new LastRecords();

let closing = false;
let bridge: Bridge | undefined;
let mediator: Mediator | undefined;
let backend: Backend | undefined;

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
      void serveAll(message.config);
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
): Promise<void> {
  const compiled = policy.compile(options);
  const learner = policy.mode === 'learn' ? policy.learner(options) : undefined;
  for (;;) {
    mediator = new Mediator({
      vm: config.vm,
      policy: compiled,
      backend: from,
      onDenial: (denial) => send({ type: 'denial', denial }),
      ...(learner && { learner }),
      onRecord(record: TransferRecord) {
        last.add(record);
        if (config.record) recording.add(record);
      },
    });
    if (bridge === undefined) {
      const created = await createBridge(config, mediator, control);
      bridge = created.bridge;
      send({ type: 'ready', ready: readyOf(created.ready, compiled) });
    }
    // Each guest has a mediator of its own, with its own ledger; the socket that they come to is the same.
    const end = await bridge.serve(mediator);
    const release = await mediator.release();
    recording.flush();
    const ended: BridgeEnded = {
      end,
      release,
      snapshot: snapshot()!,
      lastDecisions: last.records(),
      ...(learner && { learned: learner.text() }),
      ...(from instanceof SimulatedBpmp && { backendState: from.state() }),
    };
    const goesOn = bridge.canServeAgain === true && !closing;
    send({ type: goesOn ? 'guest-ended' : 'ended', ended });
    if (!goesOn) return;
  }
}

function readyOf(ready: Omit<BridgeReady, 'guest'>, policy: CompiledPolicy): BridgeReady {
  const lines = policy.warnings.map(({ message, place }) => `${formatPlace(place)}: ${message}`);
  const guest = {
    i2cBuses: policy.grantedBuses,
    thermal: policy.isMrqVisible(Mrq.THERMAL),
    observed: policy.mode !== 'enforce',
  };
  return { ...ready, notes: [...lines, ...ready.notes], guest };
}

async function serveAll(config: BridgeConfig): Promise<void> {
  try {
    backend = createBackend(config.backend);
    // What the BPMP asks goes to the guest where the bridge can reach one; what becomes of it, the bridge counts.
    backend.onRequest = (mrq, payload) => void bridge?.notify?.(mrq, payload);
    const policy = parsePolicy(config.policy.text, { file: config.policy.file });
    const parents = await askParents(policy, backend);
    await serve(config, policy, { ...parents, named: config.named }, backend);
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
