import type { Facts, StoredReport } from './crash-report/index.js';
import { mayTryAgain } from './retry.js';
import { isFailure } from './supervisor-report.js';

/**
 * Writes down how a run failed, where it did; a start that failed for a lasting reason has said all in its error. That it
 * cannot be written is no reason to fail itself: `onProblem`.
 */
export async function reportFailure(
  facts: Facts,
  folders: readonly string[],
  onProblem: (why: string) => void,
): Promise<StoredReport | undefined> {
  const { end, error, restarts } = facts;
  if (end ? !isFailure(end.ending) : !mayTryAgain(error, restarts > 0)) return undefined;
  try {
    const { crashReport, storeReport } = await import('./crash-report/index.js');
    return await storeReport(crashReport(facts), folders);
  } catch (problem) {
    onProblem(problem instanceof Error ? problem.message : String(problem));
    return undefined;
  }
}
