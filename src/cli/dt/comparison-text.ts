import { type Comparison, type Named, type ResourceKind, resourceKinds } from '../../passthrough/index.js';

type Compared = Record<ResourceKind, Comparison>;

const nouns: Readonly<Record<ResourceKind, string>> = {
  clocks: 'clock',
  resets: 'reset',
  powerDomains: 'power domain',
};

/** A line for each difference, and one where there is none. */
export function comparisonLines(comparison: Compared, from: string): string[] {
  const lines = resourceKinds.flatMap((kind) => {
    const { missing, superfluous, notShared, unknown } = comparison[kind];
    const say = (how: string, { name, id }: Named, why: string) =>
      `${how}: ${nouns[kind]} ${name} (${id})${why}`;
    return [
      ...missing.map((each) => say('missing', each, `: ${each.reason}`)),
      ...superfluous.map((each) => say('superfluous', each, ': none of these devices uses it')),
      ...notShared.map((each) =>
        say('not shared', each, each.usedBy.length > 0 ? `: ${each.usedBy.join(', ')} use it too` : ''),
      ),
      ...unknown.map((each) => say('not judged', each, ': it may be a parent, which --bpmp would tell')),
    ];
  });
  return lines.length > 0 ? lines : [`${from}: as these devices need it`];
}

export function comparisonJson(comparison: Compared) {
  const all = <Key extends keyof Comparison>(key: Key) =>
    Object.fromEntries(resourceKinds.map((kind) => [kind, comparison[kind][key]]));
  return {
    missing: all('missing'),
    superfluous: all('superfluous'),
    notShared: all('notShared'),
    notJudged: all('unknown'),
  };
}
