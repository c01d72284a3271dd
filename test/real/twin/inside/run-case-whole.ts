import { readFileSync } from 'node:fs';
import { here } from './in-process.js';
import { gpuvm } from './processes.js';
import { EDU, kept, openers, Running, vmFile } from './run-vm.js';
import { differences, driver, group, override, state } from './sysfs.js';

const look = () => ({ driver: driver(EDU), override: override(EDU), ...kept() });

/** A VM with edu from its plan to its end: what is planned, what is there while it runs, what its guest says, what is left. */
export async function whole() {
  const file = vmFile('whole', { devices: [EDU], guest: 'hold=1' });
  const other = vmFile('other', { devices: [EDU] });
  const plan = await gpuvm(['plan', file, '--json']);
  const before = look();
  const run = new Running([file, '--events', '/run/vms/whole.ndjson']);
  await run.until('the guest is done', ({ stdout }) => stdout.includes('GUEST waits'));
  const meanwhile = { ...look(), openers: openers(`/dev/vfio/${group(EDU)}`), pid: run.child.pid! };
  const stood = state();
  const ps = { people: await here('ps'), json: await here('ps', '--json') };
  const status = { people: await here('status', 'whole'), json: await here('status', file, '--json') };
  const doctor = await here('doctor', file, '--json');
  const second = {
    other: await gpuvm(['run', other]),
    same: await gpuvm(['run', file]),
    changed: differences(stood, state()),
    pid: openers(`/dev/vfio/${group(EDU)}`)[0]?.pid,
  };
  run.child.stdin!.write('\n');
  const ended = await run.ended;
  const events = readFileSync('/run/vms/whole.ndjson', 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: string; state?: string });
  return { plan, before, meanwhile, ps, status, doctor, second, ended, events, after: look() };
}

export type Whole = Awaited<ReturnType<typeof whole>>;
