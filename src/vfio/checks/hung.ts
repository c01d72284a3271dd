import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import type { Finding } from '../../finding.js';
import { type Hanging, hangingProcesses } from '../../journal/index.js';
import type { HostDevice } from '../read.js';

const DEADLINE_MS = 3000;

/**
 * Devices that the kernel does not come back from: a driver does not let go of it, and whoever reads its driver_override
 * meanwhile hangs, too, out of reach of signals. So another process tries, and only where some process hangs at all.
 */
export async function checkHung(devices: readonly HostDevice[], sysroot: string): Promise<Finding[]> {
  if (sysroot !== '/' || devices.length === 0) return [];
  const before = hangingProcesses();
  if (before.length === 0) return [];
  const readable = await Promise.all(devices.map(({ path }) => answers(`${path}/driver_override`)));
  return devices.filter((_, at) => !readable[at]).map((device) => finding(device, before));
}

function finding({ name, path }: HostDevice, hanging: readonly Hanging[]): Finding {
  // Not those who only look, as this one does.
  const busy = hanging.filter(({ wait }) => !wait?.includes('driver_override_show'));
  const who = (busy.length > 0 ? busy : hanging).map((one) => `${one.name} (process ${one.pid})`).join(', ');
  return {
    id: `vfio.hung/${name}`,
    device: name,
    status: 'fail',
    what: `the kernel does not come back from ${name}; waiting there, out of reach of signals: ${who}`,
    evidence: [
      `${path}/driver_override does not answer`,
      ...hanging.map(({ pid, wait }) => `process ${pid}: ${wait ?? 'no stack to be seen'}`),
    ].join('; '),
    fix: 'dmesg may say what its driver waits for; once it has let go, gpuvm recover; else reboot',
  };
}

/** Whether a file of sysfs can be read in time. Who hangs there is left there, and ends when the kernel lets it. */
async function answers(path: string): Promise<boolean> {
  const child = spawn('cat', [path], { stdio: 'ignore', detached: true });
  child.unref();
  const over = new AbortController();
  // An error is that there is no such program.
  const ended = once(child, 'exit').then(
    () => true,
    () => true,
  );
  const late = setTimeout(DEADLINE_MS, false, { signal: over.signal }).catch(() => true);
  const answered = await Promise.race([ended, late]);
  over.abort();
  if (answered) return true;
  child.kill('SIGKILL');
  // On a busy host one that is only slow ends by that.
  return !hangingProcesses().some(({ pid }) => pid === child.pid);
}
