export { ClockTree } from './clock-tree.js';
export { compileFor } from './compile.js';
export { Judge, type Judgement } from './judge.js';
export { type Replayed, type ReplayOptions, replay, verdictText } from './replay.js';
export { type Answer, compareReplies, type ReplyDifference } from './replies.js';
export {
  BackendTarget,
  MediatedTarget,
  neverSent,
  type Request,
  type Target,
  type TargetAnswer,
} from './target.js';
