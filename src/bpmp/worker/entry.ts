/** One VM's thread: its bridge, its mediator and its backend. Everything that a guest can make wait, waits here. */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { GpuvmError } from '../../errors.js';
import { addon } from '../../native/index.js';
import { SimulatedBpmp } from '../backend/index.js';
import type { Control } from '../bridge/bridge.js';
import type { BridgeConfig, PolicedConfig } from './config.js';
import type { FromWorker, Question, ToWorker, WorkerData } from './messages.js';
import { Service } from './service.js';
import { StateMemory } from './state-memory.js';
import { UnpolicedService } from './unpoliced-service.js';

const { controlFd } = workerData as WorkerData;
if (parentPort === null) throw new Error('this module is a worker thread');
const port = parentPort;
const send = (message: FromWorker): void => port.postMessage(message);

let service: Service | UnpolicedService | undefined;

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
    case 'serve':
      void serve(message.config, new StateMemory(message.stateFd));
      return;
    case 'ask':
      answer(message.id, message.question);
      return;
    case 'guest-process':
      service?.setGuestProcess(message.pid);
      return;
    case 'close':
      service?.close();
  }
}

async function serve(config: BridgeConfig, state: StateMemory): Promise<void> {
  try {
    service = isPoliced(config)
      ? new Service(config, state, control, send)
      : new UnpolicedService(config, state, control, send);
    await service.run();
  } catch (error) {
    const own = config.takeOver === undefined ? 'GPUVM_BRIDGE' : 'GPUVM_HAND_OVER';
    const code = GpuvmError.is(error) ? error.code : own;
    send({ type: 'failed', code, message: error instanceof Error ? error.message : String(error) });
  } finally {
    await service?.end();
    port.off('message', onMessage);
    port.unref();
  }
}

function isPoliced(config: BridgeConfig): config is PolicedConfig {
  return config.policy !== 'none';
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
  if (question.what === 'snapshot') return service?.snapshot();
  if (question.what === 'measurements') return service?.measurements();
  if (question.what === 'request') return service?.request(question.mrq, question.tx);
  if (question.what === 'guest-reset') return service?.guestReset();
  if (question.what === 'hand-over') return service?.handOver(question.deadlineMs);
  const model = service?.backend instanceof SimulatedBpmp ? service.backend : undefined;
  if (question.what === 'backend-state') return model?.state();
  if (model === undefined) throw new Error('only a simulated BPMP can be made warmer or colder');
  return model.setTemperature(question.zone, question.millicelsius);
}
