import { readFileSync } from 'node:fs';
import type { VmConfig } from '../config/index.js';
import { identityOf, type Journal, type SysfsWriter, type UndoReport } from '../journal/index.js';
import { qemuAccount } from './account.js';
import { cannotTakeOver } from './hand-over/index.js';
import { takeBack } from './take-back.js';

/** What was put back on the host at the end. */
export interface HostUndone {
  /** Each change that was taken back, the newest first, in words. */
  readonly undone: readonly string[];
  /** What could not be put back, and why; `gpuvm recover` tries again. */
  readonly failed: readonly string[];
}

/** The host's devices in the hands of one VM. */
export interface HeldDevices {
  /** As the VM file names them. */
  readonly names: readonly string[];
  /** Writes down that this process has the devices open: whoever gives them back has to end it first. */
  opened?(pid: number): Promise<void>;
  /** That process is gone. */
  closed?(): Promise<void>;
  /** Gives them back. Never rejects: what fails is in the report. */
  restore(): Promise<HostUndone>;
  /** The journal that another process adopts them by. */
  readonly journal?: string;
  /** Leaves them as they are, for that process. */
  handOver?(): Promise<void>;
}

/** Takes the devices of a VM file for the guest: all of them or none. */
export interface HostDevices {
  /** Takes back what a supervisor of this VM that was killed has left; returns notes for people. */
  recover?(): Promise<readonly string[]>;
  /** Looks and changes nothing. Throws what stands in the way; returns notes for people. */
  check(): Promise<readonly string[]>;
  take(): Promise<HeldDevices>;
  /** Goes on with what another process has taken and passed on, or was killed with. */
  adopt?(journal: string, names: readonly string[]): Promise<HeldDevices>;
}

export interface HostDevicesOptions {
  /** Where journals and locks go; by default as `stateFolders` has it. */
  readonly stateDir?: string | undefined;
  readonly sysroot?: string | undefined;
  /** @internal Tests have a kernel of their own. */
  readonly writer?: SysfsWriter;
}

export const nothingHeld: HeldDevices = {
  names: [],
  restore: async () => ({ undone: [], failed: [] }),
};

/** For a VM without devices of the host. */
const none: HostDevices = { check: async () => [], take: async () => nothingHeld };

/** By way of vfio and the journal, which are loaded only where there is a device. */
export function hostDevices(
  config: VmConfig,
  { stateDir, sysroot = '/', writer }: HostDevicesOptions,
): HostDevices {
  if (config.platformDevices.length + config.pciDevices.length === 0) return none;
  const plan = async () => {
    const [{ deviceRequests, planBinding }, { stateFolders }] = await Promise.all([
      import('../vfio/index.js'),
      import('../journal/index.js'),
    ]);
    const account = await qemuAccount(config);
    return planBinding(deviceRequests(config), {
      sysroot,
      folders: stateFolders({ stateDir, sysroot }),
      ...(account && { account: { name: account.name, uid: account.uid, gids: [account.gid] } }),
      ...(config.memory === undefined ? {} : { memory: { guestBytes: config.memory, ...limit(account) } }),
    });
  };
  return {
    recover: () => takeBack(config.name, { stateDir, sysroot, writer }),
    async check() {
      const { requireBindable } = await import('../vfio/index.js');
      const made = await plan();
      requireBindable(made);
      return made.findings
        .filter(({ status }) => status === 'warn')
        .map(({ what, fix }) => (fix === undefined ? what : `${what}; ${fix}`));
    },
    async take() {
      const { bindDevices } = await import('../vfio/index.js');
      const { Journal, stateFolders } = await import('../journal/index.js');
      // Made anew: hooks may have changed what the check saw.
      const made = await plan();
      const folders = stateFolders({ stateDir, sysroot });
      const journal = await Journal.open({
        folder: folders.journal,
        vm: config.name,
        sysroot,
        ...(writer && { writer }),
      });
      let bound: Awaited<ReturnType<typeof bindDevices>>;
      try {
        bound = await bindDevices(made, journal);
      } catch (error) {
        await journal.close();
        throw error;
      }
      return held(config, journal, {
        names: bound.requests.map(({ name }) => name),
        restore: () => bound.restore(),
        release: () => bound.release(),
      });
    },
    async adopt(path, names) {
      const { deviceRequests, subjectOf } = await import('../vfio/index.js');
      const { DeviceLocks, Journal, stateFolders } = await import('../journal/index.js');
      const journal = await Journal.adopt(path, { sysroot, ...(writer && { writer }) });
      if (journal === undefined)
        throw cannotTakeOver(config.name, `its journal ${path} is somebody else's or gone`);
      const subjects = deviceRequests(config).map(subjectOf);
      const folder = stateFolders({ stateDir, sysroot }).locks;
      const locks = await DeviceLocks.acquire(subjects, { folder, vm: config.name });
      const release = () => locks.release();
      return held(config, journal, { names, release, restore: () => journal.undo().finally(release) });
    },
  };
}

interface Hold {
  readonly names: readonly string[];
  restore(): Promise<UndoReport>;
  /** Lets go of the locks alone. */
  release(): Promise<void>;
}

function held({ name: vm }: VmConfig, journal: Journal, { names, restore, release }: Hold): HeldDevices {
  let child: string | undefined;
  return {
    names,
    journal: journal.path,
    async opened(pid) {
      const identity = identityOf(pid);
      if (identity === undefined) return;
      child = `qemu/${pid}-${identity.startTime}`;
      // One that was taken over is in the journal already.
      if (journal.contents.entries.some(({ id }) => id === child)) return;
      await journal.child({ id: child, what: `QEMU of ${vm}`, ...identity });
    },
    async closed() {
      if (child !== undefined) await journal.childEnded(child);
      child = undefined;
    },
    async restore() {
      try {
        return inWords(await restore());
      } catch (error) {
        return { undone: [], failed: [error instanceof Error ? error.message : String(error)] };
      } finally {
        await journal.close().catch(() => undefined);
      }
    },
    async handOver() {
      await journal.keep(`${vm} runs on, for another supervisor`);
      await release();
    },
  };
}

/** CAP_SYS_RESOURCE, as a bit of CapEff. */
const MAY_LIFT_LIMITS = 1n << 24n;

/** QEMU under another account gets its limit from our wrapper, which lifts it where we have the right to. */
function limit(account: unknown): { limitBytes?: 'infinity' } {
  const status = readFileSync('/proc/self/status', 'utf8');
  const capabilities = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  return account !== undefined && capabilities & MAY_LIFT_LIMITS ? { limitBytes: 'infinity' } : {};
}

function inWords({ steps }: UndoReport): HostUndone {
  const undone = steps.filter(({ outcome }) => outcome === 'undone').map(({ what }) => what);
  const failed = steps
    .filter(({ outcome }) => outcome === 'failed')
    .map(({ what, why }) => (why === undefined ? what : `${what} (${why})`));
  return { undone, failed };
}
