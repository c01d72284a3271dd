import type { RecentDecision } from '../mediator/index.js';
import { RECENT_AT } from './state-memory.js';
import type { BridgeThread } from './thread.js';

/**
 * A thread's last decisions, the oldest first; it may be stuck, or dead. What formats them is loaded when it is asked for:
 * only a report does.
 */
export async function decisionsIn({ state }: BridgeThread): Promise<RecentDecision[]> {
  const [{ RecentDecisions }, { tegra234 }] = await Promise.all([
    import('../mediator/index.js'),
    import('../tegra234/index.js'),
  ]);
  return new RecentDecisions(state.memory, RECENT_AT).read(tegra234);
}
