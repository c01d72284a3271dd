import { GpuvmError } from '../../errors.js';
import { consoleShows, type ServiceManager, ServiceNotifier } from '../../host/systemd/index.js';
import { type Supervisor, type SupervisorState, stateTable } from '../../vm/index.js';
import { timesOf } from './facts.js';

/** What the guest's agent answers to, where the VM has one. */
export type AskAgent = (signal: AbortSignal) => Promise<void>;

/**
 * Has systemd told how a supervised VM is, and its watchdog fed while the VM answers. One that was taken over is ready
 * when its monitor answers: it says the marker of its start no second time.
 */
export function notifierFor(
  manager: ServiceManager,
  supervisor: Supervisor,
  askAgent?: AskAgent,
  isTakenOver = false,
): ServiceNotifier {
  return new ServiceNotifier(manager, supervisor, {
    startMs: timesOf(supervisor.config).startMs,
    describe: (state) => stateTable[state as SupervisorState]?.means,
    probe: async (deadlineMs) => {
      // QEMU's process and its main loop; then the thread of the bridge.
      await supervisor.qmp('query-status', {}, { deadlineMs });
      await supervisor.vm?.bridge?.snapshot();
    },
    ...(isTakenOver ? {} : { ready: (signal: AbortSignal) => whenReady(supervisor, signal, askAgent) }),
  });
}

async function whenReady(supervisor: Supervisor, signal: AbortSignal, askAgent?: AskAgent): Promise<void> {
  const { ready } = supervisor.config;
  switch (ready.when) {
    case 'qmp':
      return;
    case 'console':
      return consoleShows(supervisor.console, ready.marker, signal);
    case 'guest-agent':
      if (askAgent) return askAgent(signal);
      throw new GpuvmError('GPUVM_CONFIG', 'ready: guest-agent, but nothing asks the agent');
  }
}
