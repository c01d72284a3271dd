import type { RecentDecision } from '../mediator/index.js';
import { RING_AT } from './state-memory.js';
import type { BridgeThread } from './thread.js';

/**
 * A thread's last decisions, the oldest first; it may be stuck, or dead. What formats them is loaded when it is asked for:
 * only a report does.
 */
export async function decisionsIn({ state }: BridgeThread): Promise<RecentDecision[]> {
  const [{ recentDecisions }, { tegra234 }] = await Promise.all([
    import('../mediator/index.js'),
    import('../tegra234/index.js'),
  ]);
  return recentDecisions(state.memory, RING_AT, tegra234);
}
