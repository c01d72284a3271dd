import type { Device, InterruptSet } from './device.js';
import { invalid } from './error.js';
import type { Frame } from './frame.js';
import { InterruptSetFlag as Flag, HEADER_SIZE } from './numbers.js';
import type { Reply } from './reply.js';

const P = HEADER_SIZE;
/** argsz, flags, index, start, count; then the booleans. */
const FIXED = 20;

const actions = new Map<number, InterruptSet['action']>([
  [Flag.ACTION_MASK, 'mask'],
  [Flag.ACTION_UNMASK, 'unmask'],
  [Flag.ACTION_TRIGGER, 'trigger'],
]);
const kinds = new Map<number, InterruptSet['data']>([
  [Flag.DATA_NONE, 'none'],
  [Flag.DATA_BOOL, 'bool'],
  [Flag.DATA_EVENTFD, 'eventfd'],
]);

/** DEVICE_SET_IRQS. */
export function answerSetInterrupts(frame: Frame, reply: Reply, device: Device): void {
  device.setInterrupts(parse(frame, device));
  // They are the device's now.
  frame.fds = [];
  reply.begin(frame, 0);
}

function parse(frame: Frame, device: Device): InterruptSet {
  if (frame.payloadSize < FIXED) throw invalid('DEVICE_SET_IRQS is too short');
  const flags = frame.u32(P + 4);
  const action = actions.get(flags & ~7);
  const data = kinds.get(flags & 7);
  if (action === undefined || data === undefined)
    throw invalid('DEVICE_SET_IRQS wants one action and one data');
  const index = frame.u32(P + 8);
  const start = frame.u32(P + 12);
  const count = frame.u32(P + 16);
  const info = device.interrupts[index];
  if (info === undefined) throw invalid(`there is no interrupt index ${index}`);
  if (start + count > info.count) throw invalid('the interrupts are beyond the index');
  const boolCount = data === 'bool' ? count : 0;
  if (frame.payloadSize !== FIXED + boolCount) throw invalid('DEVICE_SET_IRQS has the wrong size');
  const fds = frame.fds.length;
  if (data === 'eventfd' ? fds !== 0 && fds !== count : fds !== 0) {
    throw invalid('the number of descriptors does not match');
  }
  return {
    index,
    start,
    count,
    action,
    data,
    bools: frame.part(P + FIXED, boolCount).slice(),
    eventfds: frame.fds,
  };
}
