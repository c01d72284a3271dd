import type { Supervisor } from '../../vm/index.js';

/** What is told to a service manager, where one started this program. */
export interface Service {
  stopping(): void;
  close(lastWord: string): Promise<void>;
}

/**
 * Has systemd told how the VM is. To be called before anything else is started: what systemd put into the environment
 * is for this process alone.
 */
export async function openService(supervisor: Supervisor): Promise<Service | undefined> {
  const { env } = process;
  if (env.NOTIFY_SOCKET === undefined && env.LISTEN_FDS === undefined) return undefined;
  const [{ ServiceManager }, { notifierFor }] = await Promise.all([
    import('../../host/systemd/index.js'),
    import('../unit/notifier.js'),
  ]);
  return notifierFor(ServiceManager.take(), supervisor);
}
