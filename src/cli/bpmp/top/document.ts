import { ordered } from './model/order.js';
import type { Figures } from './model/summary.js';
import { isLive, type Picture } from './view/picture.js';

/** All that the screen shows, as JSON: rates per second, latencies in ns, the most frequent first. */
export function documentOf(picture: Picture): object {
  const { origin, summary, facts, fixOf } = picture;
  const live = isLive(picture);
  const { commands, resources, refusals, all, hidden, vms, evicted } = summary;
  return {
    source: origin,
    ...(facts && { state: facts.state, uptimeMs: facts.uptimeMs, totals: facts.totals }),
    vms,
    first: timeOf(summary.firstMs),
    last: timeOf(summary.lastMs),
    ...figuresOf(all, live),
    hidden,
    commands: ordered(commands, 'count', live).map((line) => ({
      command: line.title,
      ...figuresOf(line, live),
    })),
    resources: ordered(resources, 'count', live).map((line) => ({
      resource: line.title,
      ...figuresOf(line, live),
    })),
    denials: ordered(refusals, 'count', live).map(({ title, verdict, rule, ret, last, ...line }) => ({
      request: title,
      verdict,
      ret,
      rule,
      ...(last && fixOf(last) !== undefined && { fix: fixOf(last) }),
      count: line.count,
    })),
    evicted,
    latency: summary.spans.filter(({ count }) => count > 0),
    ...(facts?.holdings && { holdings: facts.holdings }),
  };
}

function figuresOf(figures: Figures, live: boolean): object {
  const { count, verdicts, rate1, rate10, rate60, mean, peak, p50Ns, p90Ns, p99Ns, maxNs } = figures;
  return {
    count,
    verdicts,
    rate: live ? { over1s: rate1, over10s: rate10, over60s: rate60 } : { mean, peak },
    latencyNs: { p50: p50Ns, p90: p90Ns, p99: p99Ns, max: maxNs },
  };
}

function timeOf(ms: number | undefined): string | undefined {
  return ms !== undefined && Math.abs(ms) < 8.64e15 ? new Date(ms).toISOString() : undefined;
}
