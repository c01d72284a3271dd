import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestVm } from './test-vm.js';

/** Bigints and bytes as text, as everywhere in gpuvm's JSON. */
function plain(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value;
}

/** Writes all that is known of a VM into a folder of its own; returns the folder. */
export async function dumpVm(vm: TestVm, parent: string): Promise<string> {
  const time = new Date().toISOString().replaceAll(/[:.]/g, '-');
  const folder = join(parent, `${vm.name}-${time}`);
  await mkdir(folder, { recursive: true });
  const status = await vm.supervisor.status();
  await Promise.all([
    writeFile(join(folder, 'console.txt'), vm.console.text),
    writeFile(
      join(folder, 'log.txt'),
      vm.supervisor
        .logs()
        .map((line) => `${line}\n`)
        .join(''),
    ),
    writeFile(
      join(folder, 'events.ndjson'),
      vm.events.map((event) => `${JSON.stringify(event, plain)}\n`).join(''),
    ),
    writeFile(join(folder, 'status.json'), `${JSON.stringify(status, plain, 2)}\n`),
  ]);
  return folder;
}
