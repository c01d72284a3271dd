export type { CompiledPolicy } from './compiled.js';
export type { Decision, Rule, Verdict } from './decision.js';
export {
  type Expectation,
  expectationOf,
  isAsExpected,
  isByTree,
  type SeenTransfer,
} from './expectation.js';
export type { Considered, Explanation } from './explain.js';
export type { PolicyLearner, SavedLearner } from './learn.js';
export type { DeviceOf } from './learned-comments.js';
export type { ClocksAbove } from './least.js';
export { unifiedDiff } from './line-diff.js';
export { mergeFix } from './merge.js';
export type { Limit, Mode, View } from './model.js';
export type { Need } from './need.js';
export { type CompileOptions, loadPolicy, Policy, parsePolicy } from './policy.js';
export type { PolicyWarning } from './problems.js';
export type { Right, SharedAnswer } from './rights.js';
export type { SeenTotals } from './seen.js';
export { type PolicySummary, summaryLines, summaryOf } from './summary.js';
export { type Learned, TraceLearner, type TraceLearnerOptions } from './trace-learner.js';
