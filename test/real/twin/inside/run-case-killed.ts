import { readFileSync } from 'node:fs';
import { here } from './in-process.js';
import { gpuvm } from './processes.js';
import { E1000E, gone, kept, openers, Running, vmFile } from './run-vm.js';
import { differences, driver, group, names, override, state } from './sysfs.js';

const NET = '/sys/class/net';
const node = () => `/dev/vfio/${group(E1000E)}`;
const look = () => ({
  driver: driver(E1000E),
  override: override(E1000E),
  interfaces: names(NET),
  journals: kept().journals.length,
  openers: openers(node()).map(({ pid }) => pid),
});

/** A VM with the host's network card; its firmware finds nothing to boot, and stays. */
async function start(name: string) {
  const file = vmFile(name, { devices: [E1000E] });
  const run = new Running([file, '--verbose']);
  await run.until('the guest runs', ({ stderr }) => stderr.includes('state: running'));
  const status = readFileSync(`/proc/${run.child.pid}/status`, 'utf8');
  return { file, run, qemu: openers(node())[0]!.pid, supervisor: /^Name:\s+(.*)$/m.exec(status)?.[1] };
}

/** SIGKILL to QEMU: its supervisor gives the card back. */
export async function killedQemu(before: Record<string, string>) {
  const { run, qemu } = await start('killed-qemu');
  const taken = look();
  process.kill(qemu, 'SIGKILL');
  const ended = await run.ended;
  return { qemu, taken, ended, after: look(), changed: differences(before, state()) };
}

export type KilledQemu = Awaited<ReturnType<typeof killedQemu>>;

/** SIGKILL to the supervisor: QEMU goes with it, the card stays with VFIO until `gpuvm recover`. */
export async function killedSupervisor(before: Record<string, string>) {
  const { run, qemu, file } = await start('killed-supervisor');
  run.child.kill('SIGKILL');
  await run.ended;
  await gone(qemu);
  const left = look();
  const found = state();
  const other = await gpuvm(['run', vmFile('late', { devices: [E1000E] })]);
  const ps = await here('ps', '--json');
  const doctor = await here('doctor', file, '--json');
  const changed = differences(found, state());
  const recovered = await gpuvm(['recover', '--json']);
  return {
    qemu,
    left,
    other,
    ps,
    doctor,
    changed,
    recovered,
    after: look(),
    remains: differences(before, state()),
  };
}

export type KilledSupervisor = Awaited<ReturnType<typeof killedSupervisor>>;

/** A supervisor killed with SIGKILL, and the same VM run again without anything in between; `gpuvm stop` ends that one. */
export async function runAgain(before: Record<string, string>) {
  const first = await start('again');
  first.run.child.kill('SIGKILL');
  await first.run.ended;
  await gone(first.qemu);
  const { run, qemu, file } = await start('again');
  const taken = look();
  const status = await here('status', file, '--json');
  const stop = await gpuvm(['stop', 'again', '--wait']);
  // Who is told that the host has its devices again finds it so, whether that process has ended or not.
  const afterStop = differences(before, state());
  const ended = await run.ended;
  const ps = await here('ps');
  return { qemu, taken, status, stop, afterStop, ended, ps, after: look() };
}

export type RunAgain = Awaited<ReturnType<typeof runAgain>>;
