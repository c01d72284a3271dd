import { chownSync } from 'node:fs';
import { ChildWriter, Journal, stateFolders } from '../../../../src/journal/index.js';
import { VfioDevice } from '../../../../src/vfio/device/index.js';
import { bindDevices, checkDevices, planBinding } from '../../../../src/vfio/index.js';
import { OtherProcess } from './holding.js';
import { command } from './in-process.js';
import { refusal } from './opening.js';
import { bindByHand, driver, group, look, unbindByHand } from './orin-host.js';
import { gpuvm, holder } from './processes.js';

const CLOCK = '9010000.pl031';
const GPU = '17000000.gpu';
const NOBODY = 65534;

/** A process has a device that had no group when its binding was planned: who is named, and what becomes of giving it back. */
async function held() {
  const folders = stateFolders();
  const request = { bus: 'platform', name: CLOCK } as const;
  const groupBefore = group(CLOCK);
  const plan = await planBinding([request], { folders });
  const writer = new ChildWriter({ deadlineMs: 10_000 });
  const journal = await Journal.open({ folder: folders.journal, vm: 'held', patienceMs: 500, writer });
  const bound = await bindDevices(plan, journal);
  const one = await holder(['--hold', group(CLOCK)!, CLOCK]);
  const second = refusal(() => VfioDevice.open(CLOCK).dispose()) ?? null;
  const findings = await checkDevices([request], { folders });
  const listed = await command('devices', 'list');
  const secondVm = await command('devices', 'bind', CLOCK);
  const refused = await journal.undo();
  const still = driver(CLOCK);
  await one.end();
  const restored = await bound.restore();
  await journal.close();
  return {
    groupBefore,
    group: group(CLOCK),
    holder: one.pid,
    probe: one.probe,
    second,
    findings,
    listed,
    secondVm,
    refused,
    still,
    restored,
    after: look([CLOCK]),
  };
}

/** Somebody without rights, and then with the group's node and little memory that he may lock. */
async function nobody() {
  const bind = await gpuvm(['devices', 'bind', GPU, '--state-dir', '/tmp/of-nobody'], { uid: NOBODY });
  const untouched = look([GPU]);
  bindByHand(GPU);
  const other = new OtherProcess({ uid: NOBODY, memlockKib: 64 });
  try {
    const withoutRights = await other.ask('try', GPU);
    chownSync(`/dev/vfio/${group(GPU)}`, NOBODY, NOBODY);
    return {
      bind,
      untouched,
      withoutRights,
      small: await other.ask('try', GPU, 16),
      large: await other.ask('try', GPU, 1024),
      again: await other.ask('try', GPU, 16),
    };
  } finally {
    await other.end();
    unbindByHand(GPU);
  }
}

export const userCases = { held, nobody };
export type UserCases = { [Name in keyof typeof userCases]: Awaited<ReturnType<(typeof userCases)[Name]>> };
