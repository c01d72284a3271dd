import { type ErrorCode, errorCodes, GpuvmError } from '../../errors.js';
import { addon } from '../../native/index.js';
import type { TransferRecord } from '../capture/index.js';
import type { ReleaseReport } from '../mediator/index.js';
import type { BridgeConfig, NamedFd } from './config.js';
import { closeAll, STATE_FD } from './descriptors.js';
import { cannotTakeOver } from './hand-over.js';
import { BridgeHandle } from './handle.js';
import { decisionsIn } from './last-decisions.js';
import type { BridgeEnded, BridgeSnapshot } from './messages.js';
import { Recorder } from './recorder.js';
import { BridgeThread } from './thread.js';

/**
 * Has a thread serve one VM, and resolves when it serves. `thread` is one that was begun before and has served nobody.
 * @throws GpuvmError what the thread failed with: a policy's mistake, a socket that cannot be made, …
 */
export function startBridge(config: BridgeConfig, thread = new BridgeThread()): Promise<BridgeHandle> {
  let handle: BridgeHandle | undefined;
  let end: (ended: BridgeEnded) => void = () => {};
  const ended = new Promise<BridgeEnded>((resolve) => {
    end = resolve;
  });
  let taken: readonly NamedFd[] = [];
  if (config.takeOver !== undefined) {
    const state = config.takeOver.fds.find(({ name }) => name === STATE_FD);
    if (state === undefined) return Promise.reject(cannotTakeOver('its state memory was not kept'));
    thread.adoptState(state.fd);
    // Kept until the bridge tells of its own: at no time may the list be without the guest.
    taken = config.takeOver.fds
      .filter(({ name }) => name !== STATE_FD)
      .map(({ name, fd }) => ({ name, fd: addon().duplicateFd(fd) }));
  }
  const tell = (records: readonly TransferRecord[], dropped: number) => handle?.recorded(records, dropped);
  const recorder = config.record ? Recorder.begin(thread.state, tell) : undefined;
  const serve = () => thread.post({ type: 'serve', config, stateFd: thread.stateFd });
  // One that takes over begins where the other one ended; until that is known nothing may be added.
  if (recorder && config.takeOver) void recorder.then(serve);
  else serve();
  const finish = async (why: BridgeEnded) => {
    (await recorder)?.end();
    end({ ...why, snapshot: { ...why.snapshot, recordsDropped: handle?.recordsDropped ?? 0 } });
  };
  return new Promise((resolve, reject) => {
    thread.onMessage((message) => {
      switch (message.type) {
        case 'ready':
          handle = new BridgeHandle(message.ready, ended, thread, taken);
          void recorder?.then((begun) => begun.start());
          return resolve(handle);
        case 'failed':
          closeAll(taken);
          return reject(revive(message.code, message.message));
        case 'transfers':
          void recorder?.then((begun) => begun.drain());
          return handle?.wake();
        case 'descriptors':
          return handle === undefined ? closeAll(message.fds) : handle.keep(message.fds);
        case 'denial':
          return handle?.emit('denial', message.denial);
        case 'guest-ended':
          return void Promise.resolve(recorder).then((begun) => {
            begun?.drain(Number.POSITIVE_INFINITY);
            handle?.emit('guest-ended', message.ended);
          });
        case 'ended':
          return void finish(message.ended);
        case 'answer':
          return handle?.answered(message.id, message.value);
        case 'refusal':
          return handle?.refused(message.id, message.message);
      }
    });
    void thread.exited.then(async (why) => {
      const fault =
        why === undefined ? 'the bridge thread ended by itself' : `the bridge thread failed: ${why}`;
      // After an orderly end both have settled already, and these change nothing.
      reject(new GpuvmError('GPUVM_BRIDGE', fault));
      await finish({
        end: { reason: 'fault', message: fault },
        release: NOTHING_RELEASED,
        snapshot: emptySnapshot(config.vm),
        lastDecisions: await decisionsIn(thread).catch(() => []),
      });
    });
  });
}

function revive(code: string, message: string): GpuvmError {
  return new GpuvmError(code in errorCodes ? (code as ErrorCode) : 'GPUVM_BRIDGE', message);
}

const NOTHING_RELEASED: ReleaseReport = { entries: [], givenBack: 0, kept: 0, failed: 0 };

function emptySnapshot(vm: string): BridgeSnapshot {
  const totals = { allow: 0, deny: 0, absorb: 0, malformed: 0 };
  return {
    vm,
    totals,
    rows: [],
    denials: [],
    delayed: 0,
    refused: 0,
    hidden: 0,
    forwarded: 0,
    holdings: [],
    bridge: {},
    recordsDropped: 0,
  };
}
