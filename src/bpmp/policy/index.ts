export type { CompiledPolicy } from './compiled.js';
export type { Decision, Rule, Verdict } from './decision.js';
export type { Explanation } from './explain.js';
export type { PolicyLearner } from './learn.js';
export { mergeFix } from './merge.js';
export type { Limit, Mode, View } from './model.js';
export { type CompileOptions, loadPolicy, Policy, parsePolicy } from './policy.js';
export type { PolicyWarning } from './problems.js';
export type { Right, SharedAnswer } from './rights.js';
