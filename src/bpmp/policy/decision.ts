import type { Place } from '../../errors.js';

export type Verdict = 'allow' | 'deny' | 'absorb' | 'malformed';

/** What made a decision: a line of the policy, or one of the protections that are always there. */
export interface Rule {
  /** As it is printed: `policies/gpu.yaml:12 clocks.GPUSYS` or `built-in: shared roots`. */
  readonly text: string;
  readonly place?: Place;
}

/** One decision. Interned: a compiled policy makes each once, so deciding allocates nothing. */
export interface Decision {
  readonly verdict: Verdict;
  /** What the guest is answered where the request is not forwarded: 0, -EPERM (-1) or -EINVAL (-22). */
  readonly ret: number;
  readonly rule: Rule;
  /** True where the request would only read; what audit and learn may forward. */
  readonly readOnly: boolean;
  /** True where the view hides the resource, so that asking is no offence and no event is raised. */
  readonly hidden: boolean;
}
