import { chownSync, existsSync, readFileSync, statSync } from 'node:fs';
import { ChildWriter, Journal, stateFolders } from '../../../../src/journal/index.js';
import { bindDevices, checkDevices, listDevices, planBinding } from '../../../../src/vfio/index.js';
import { OtherProcess } from './holding.js';
import { E1000E, EDU, open, openSpace, refusal, SHARED, takeOver, using } from './opening.js';
import { run } from './processes.js';
import { driver, group, names } from './sysfs.js';

const NOBODY = 65534;
const [FIRST, LAST] = ['0000:00:1f.0', '0000:00:1f.3'];

/** While no device is with VFIO yet. */
export const iommufdCasesBefore: Record<string, () => unknown> = { inUse };

/** Once they were taken over by hand, and the cases of vfio-cases.ts were made. */
export const iommufdCases: Record<string, () => unknown> = {
  nodes,
  ways,
  unprivileged,
  sharedGroup,
};

const nodeOf = (name: string) => `/dev/vfio/devices/${names(`/sys/bus/pci/devices/${name}/vfio-dev`)[0]!}`;

/** A process has the device open by its own node, and not its group: who is named, and when it is given back. */
async function inUse() {
  const folders = stateFolders();
  const request = { bus: 'pci', name: EDU } as const;
  const plan = await planBinding([request], { folders });
  const journal = await Journal.open({
    folder: folders.journal,
    vm: 'in-use',
    patienceMs: 500,
    writer: new ChildWriter({ deadlineMs: 5000 }),
  });
  const bound = await bindDevices(plan, journal);
  const node = nodeOf(EDU);
  const one = new OtherProcess();
  const held = await one.ask('hold', EDU);
  const findings = (await checkDevices([request])).filter(({ id }) => id.startsWith('vfio.holders/'));
  const listed = listDevices().find(({ name }) => name === EDU);
  const refused = (await journal.undo()).steps[0];
  const still = driver(EDU);
  // What becomes of a write by somebody who does not look first: the kernel takes the node away, and waits.
  const fds = `/proc/${one.pid}/fd`;
  const hung = await run('sh', [
    '-c',
    `echo ${EDU} >/sys/bus/pci/drivers/vfio-pci/unbind & ` +
      `for i in $(seq 200); do ls -l ${fds} | grep -q 'deleted' && break; sleep 0.1; done; ` +
      `ls -l ${fds} | grep /dev/vfio; kill -9 ${one.pid}; wait`,
  ]);
  await one.end();
  const restored = await bound.restore();
  await journal.close();
  return {
    node,
    held,
    holder: one.pid,
    findings,
    listed,
    refused,
    still,
    hung: hung.stdout.trim(),
    restored,
    after: driver(EDU),
  };
}

/** What this kernel has. */
function nodes() {
  const own = nodeOf(EDU);
  const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);
  return {
    group: existsSync(`/dev/vfio/${group(EDU)}`),
    modes: [mode('/dev/iommu'), mode(own)],
    majors: readFileSync('/proc/devices', 'utf8')
      .split('\n')
      .filter((line) => line.includes('vfio'))
      .map((line) => line.replace(/^\s*\d+ /, ''))
      .sort(),
  };
}

/** Groups and nodes keep each other out, and each its own second opener. */
function ways() {
  const [byGroup, byNode] = (['group', 'iommufd'] as const).map(
    (via) => () => refusal(() => open(EDU, { via }).dispose()) ?? null,
  ) as [() => unknown, () => unknown];
  const free = [byGroup(), byNode(), byGroup()];
  const whileNode = using(open(EDU, { via: 'iommufd' }), () => [byGroup(), byNode()]);
  const whileGroup = using(open(EDU, { via: 'group' }), () => [byGroup(), byNode()]);
  const usual = using(open(EDU, { via: undefined }), ({ space }) => space.via);
  return { node: nodeOf(EDU), group: group(EDU), free, whileNode, whileGroup, usual };
}

/** Somebody without rights, who is given the nodes one after the other, and may lock 64 KiB. */
async function unprivileged() {
  const nobody = { uid: NOBODY, memlockKib: 64 };
  const [one, other] = [new OtherProcess(nobody), new OtherProcess(nobody)];
  const tried = [await one.ask('try', EDU)];
  for (const path of ['/dev/iommu', nodeOf(EDU)]) {
    chownSync(path, NOBODY, NOBODY);
    tried.push(await one.ask('try', EDU));
  }
  // What two processes of one user may lock together.
  chownSync(nodeOf(E1000E), NOBODY, NOBODY);
  const memory = {
    alone: await other.ask('try', E1000E, 48),
    first: await one.ask('hold', EDU, 48),
    beside: await other.ask('try', E1000E, 48),
  };
  await one.end();
  const afterwards = await other.ask('try', E1000E, 48);
  await other.end();
  for (const path of ['/dev/iommu', nodeOf(EDU), nodeOf(E1000E)]) chownSync(path, 0, 0);
  return { tried, memory: { ...memory, afterwards } };
}

/** One of a group's three functions with VFIO, then all of them. */
async function sharedGroup() {
  const one = refusal(() => open(SHARED).dispose());
  const drivers = [FIRST!, LAST!].map((name) => takeOver(name));
  const space = openSpace();
  const together = [SHARED, LAST!].map((name) => open(name, { space }).region('config').read(0, 2));
  const elsewhere = refusal(() => open(FIRST!).dispose());
  space.dispose();
  const other = new OtherProcess();
  const held = await other.ask('hold', SHARED);
  const inAnotherProcess = refusal(() => open(LAST!).dispose());
  const itself = refusal(() => open(SHARED).dispose());
  await other.end();
  // It was killed with all of it open.
  const afterwards = [SHARED, LAST!].map((name) => refusal(() => open(name).dispose()) ?? null);
  return { one, drivers, together, elsewhere, held, pid: other.pid, inAnotherProcess, itself, afterwards };
}
