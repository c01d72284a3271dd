import { statSync } from 'node:fs';
import { Journal, stateFolders } from '../../../../src/journal/index.js';
import { bindDevices, checkDevices, planBinding } from '../../../../src/vfio/index.js';
import { gpuvm, probe } from './processes.js';
import { driver, group, names } from './sysfs.js';

const NOBODY = { name: 'nobody', uid: 65534, gids: [65534] };
const SMALL_KIB = 64;

/** What somebody without rights may do, and what the account of QEMU may once gpuvm has bound for it. */
export async function unprivileged(name: string) {
  const as = { uid: NOBODY.uid };
  const listed = await gpuvm(['devices', 'list'], as);
  const refused = await gpuvm(['devices', 'bind', name], as);
  const refusedElsewhere = await gpuvm(['devices', 'bind', name, '--state-dir', '/tmp/twin-nobody'], as);
  const untouched = driver(name);

  const folders = stateFolders();
  const request = { bus: 'pci', name } as const;
  const plan = await planBinding([request], { account: NOBODY, folders });
  const journal = await Journal.open({ folder: folders.journal, vm: 'of-nobody' });
  const bound = await bindDevices(plan, journal);
  const node = statSync(`/dev/vfio/${group(name)}`);
  const kernel = await probe([group(name), name], as);
  const restored = await bound.restore();
  await journal.close();
  return {
    listed,
    refused,
    refusedElsewhere,
    untouched,
    findings: plan.findings,
    node: { uid: node.uid, mode: (node.mode & 0o777).toString(8) },
    kernel,
    restored,
    nodes: names('/dev/vfio'),
    after: driver(name),
  };
}

export type Unprivileged = Awaited<ReturnType<typeof unprivileged>>;

/** A limit of locked memory that is too small: what is found, and what the kernel does with that limit. */
export async function memlock(name: string) {
  const memory = { guestBytes: 1024n * 1024n, limitBytes: BigInt(SMALL_KIB) * 1024n };
  const folders = stateFolders();
  const findings = await checkDevices([{ bus: 'pci', name }], { account: NOBODY, memory });
  const plan = await planBinding([{ bus: 'pci', name }], { account: NOBODY, folders });
  const journal = await Journal.open({ folder: folders.journal, vm: 'locked-memory' });
  const bound = await bindDevices(plan, journal);
  const map = (kib: number, around: { uid?: number; memlockKib?: number }) =>
    probe(['--map', String(kib), group(name), name], around);
  const kernel = {
    tooMuch: await map(1024, { uid: NOBODY.uid, memlockKib: SMALL_KIB }),
    asMuch: await map(SMALL_KIB, { uid: NOBODY.uid, memlockKib: SMALL_KIB }),
    root: await map(1024, { memlockKib: SMALL_KIB }),
  };
  await bound.restore();
  await journal.close();
  return { findings, kernel };
}

export type Memlock = Awaited<ReturnType<typeof memlock>>;
