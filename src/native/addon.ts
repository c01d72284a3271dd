/**
 * The native seam: every function of the addon, typed, in one folder. The addon makes system calls and nothing else;
 * a failed one throws an Error with `code` ("EBADF"), `errno` (positive) and `syscall`, as Node's own do.
 * The addon is loaded at the first use, so that commands which need no kernel interface start without it.
 */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { GpuvmError } from '../errors.js';
import type { AffinityAddon } from './affinity.js';
import type { DuplicateAddon } from './duplicate.js';
import type { DurableStreamAddon } from './durable-stream.js';
import type { EventfdAddon } from './eventfd.js';
import type { FileLockAddon } from './file-lock.js';
import type { HostDeviceAddon } from './host-device.js';
import type { NotifyAddon } from './notify.js';
import type { PidfdAddon } from './pidfd.js';
import type { PipeAddon } from './pipe.js';
import type { ReadinessAddon } from './readiness.js';
import type { SeccompAddon } from './seccomp.js';
import type { SharedMemoryAddon } from './shared-memory.js';
import type { SocketpairAddon } from './socketpair.js';
import type { UnixSocketAddon } from './unix-socket.js';
import type { VfioAddon } from './vfio.js';

/** One interface per native file; each is declared in the file of the same name beside this one. */
export type Addon = AffinityAddon &
  DuplicateAddon &
  DurableStreamAddon &
  EventfdAddon &
  FileLockAddon &
  HostDeviceAddon &
  NotifyAddon &
  PidfdAddon &
  PipeAddon &
  ReadinessAddon &
  SeccompAddon &
  SharedMemoryAddon &
  SocketpairAddon &
  UnixSocketAddon &
  VfioAddon;

/** What was built beside the addon, by its name: this file lies two folders below the package, bundled or not. */
export function nativeProgram(name: string): string {
  return fileURLToPath(new URL(`../../build/Release/${name}`, import.meta.url));
}

const path = nativeProgram('gpuvm.node');
let loaded: Addon | undefined;

/** The addon; throws GPUVM_ADDON_MISSING where it was not built or does not fit this Node. */
export function addon(): Addon {
  if (loaded === undefined) {
    try {
      loaded = createRequire(import.meta.url)(path) as Addon;
    } catch (cause) {
      throw new GpuvmError(
        'GPUVM_ADDON_MISSING',
        `the native addon ${path} cannot be loaded: run "npm run build:addon"`,
        {
          cause,
        },
      );
    }
  }
  return loaded;
}
