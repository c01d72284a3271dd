import { fstatSync, readSync, writeSync } from 'node:fs';
import type { NamedFd } from '../../bpmp/worker/index.js';
import { addon } from '../../native/index.js';
import type { QemuFds } from '../../qemu/index.js';
import { cannot } from './state.js';

/** A VM that runs on without its supervisor: what the next one goes on with. */
export interface HandOver {
  /** Whose names are for the store of a service manager: letters, digits, `-` and `.`. */
  readonly fds: readonly NamedFd[];
  /** JSON; see `HandOverState`. */
  readonly state: unknown;
}

const BRIDGE = 'bridge.';
const STATE = 'vm-state';
const names = {
  process: 'qemu.process',
  input: 'qemu.input',
  output: 'qemu.output',
  errors: 'qemu.errors',
} as const;
const MONITOR = 'qemu.monitor';

export interface VmFds {
  readonly qemu: QemuFds;
  readonly monitor: number;
  /** The bridge's, by its own names. */
  readonly bridge: readonly NamedFd[];
}

export function nameFds({ qemu, monitor, bridge }: VmFds): NamedFd[] {
  const keys = Object.keys(names) as (keyof typeof names)[];
  return [
    ...keys.map((key) => ({ name: names[key], fd: qemu[key] })),
    { name: MONITOR, fd: monitor },
    ...bridge.map(({ name, fd }) => ({ name: `${BRIDGE}${name}`, fd })),
  ];
}

/** Throws GPUVM_HAND_OVER where one that every VM has is missing. */
export function findFds(fds: readonly NamedFd[], vm: string): VmFds {
  const find = (name: string): number => {
    const found = fds.find((one) => one.name === name);
    if (found === undefined) throw cannot(vm, `its descriptor ${name} was not kept`);
    return found.fd;
  };
  return {
    qemu: {
      process: find(names.process),
      input: find(names.input),
      output: find(names.output),
      errors: find(names.errors),
    },
    monitor: find(MONITOR),
    bridge: fds
      .filter(({ name }) => name.startsWith(BRIDGE))
      .map(({ name, fd }) => ({ name: name.slice(BRIDGE.length), fd })),
  };
}

/** The whole of it as descriptors, the state in one of memory: what a service manager can keep. The caller's. */
export function packHandOver({ fds, state }: HandOver): NamedFd[] {
  const text = Buffer.from(JSON.stringify(state));
  const fd = addon().createMemory(STATE, text.length);
  writeSync(fd, text, 0, text.length, 0);
  return [...fds, { name: STATE, fd }];
}

/** Throws GPUVM_HAND_OVER where there is no state among them, or it cannot be read. The state's own is closed. */
export function unpackHandOver(kept: readonly NamedFd[], vm: string): HandOver {
  const found = kept.find(({ name }) => name === STATE);
  if (found === undefined) throw cannot(vm, 'its state was not kept');
  const text = Buffer.alloc(fstatSync(found.fd).size);
  readSync(found.fd, text, 0, text.length, 0);
  addon().closeFd(found.fd);
  let state: unknown;
  try {
    state = JSON.parse(text.toString());
  } catch {
    throw cannot(vm, 'its state cannot be read');
  }
  return { fds: kept.filter(({ name }) => name !== STATE), state };
}
