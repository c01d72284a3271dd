/**
 * The commands and events that most programs use, after QEMU's qapi/*.json. Names outside these maps are taken too,
 * with arguments and returns that the caller judges.
 */

type Empty = Record<string, never>;
type Json = Readonly<Record<string, unknown>>;

export type RunState =
  | 'debug'
  | 'inmigrate'
  | 'internal-error'
  | 'io-error'
  | 'paused'
  | 'postmigrate'
  | 'prelaunch'
  | 'finish-migrate'
  | 'restore-vm'
  | 'running'
  | 'save-vm'
  | 'shutdown'
  | 'suspended'
  | 'watchdog'
  | 'guest-panicked'
  | 'colo';

/** Why a machine stopped or was reset; run-state.json's ShutdownCause. */
export type ShutdownCause =
  | 'none'
  | 'host-error'
  | 'host-qmp-quit'
  | 'host-qmp-system-reset'
  | 'host-signal'
  | 'host-ui'
  | 'guest-shutdown'
  | 'guest-reset'
  | 'guest-panic'
  | 'subsystem-reset'
  | 'snapshot-load';

export interface QmpCommands {
  qmp_capabilities: { args: { enable?: string[] }; returns: Empty };
  quit: { args: Empty; returns: Empty };
  stop: { args: Empty; returns: Empty };
  cont: { args: Empty; returns: Empty };
  system_powerdown: { args: Empty; returns: Empty };
  system_reset: { args: Empty; returns: Empty };
  'query-status': { args: Empty; returns: { status: RunState; running: boolean } };
  'query-version': {
    args: Empty;
    returns: { qemu: { major: number; minor: number; micro: number }; package: string };
  };
  'query-name': { args: Empty; returns: { name?: string } };
  'query-commands': { args: Empty; returns: { name: string }[] };
  'query-kvm': { args: Empty; returns: { enabled: boolean; present: boolean } };
  'query-cpus-fast': { args: Empty; returns: ({ 'cpu-index': number; 'thread-id': number } & Json)[] };
  'query-chardev': {
    args: Empty;
    returns: { label: string; filename: string; 'frontend-open': boolean }[];
  };
  'query-qmp-schema': { args: Empty; returns: Json[] };
  'qom-list': { args: { path: string }; returns: { name: string; type: string }[] };
  'qom-get': { args: { path: string; property: string }; returns: unknown };
  'qom-set': { args: { path: string; property: string; value: unknown }; returns: Empty };
  device_add: { args: { driver: string; id?: string; bus?: string } & Json; returns: Empty };
  device_del: { args: { id: string }; returns: Empty };
  'device-list-properties': { args: { typename: string }; returns: { name: string; type: string }[] };
  'human-monitor-command': { args: { 'command-line': string; 'cpu-index'?: number }; returns: string };
  'set-action': {
    args: {
      reboot?: 'reset' | 'shutdown';
      shutdown?: 'poweroff' | 'pause';
      panic?: 'pause' | 'shutdown' | 'exit-failure' | 'none';
      watchdog?: 'reset' | 'shutdown' | 'poweroff' | 'pause' | 'debug' | 'none' | 'inject-nmi';
    };
    returns: Empty;
  };
}

export interface QmpEvents {
  SHUTDOWN: { guest: boolean; reason: ShutdownCause };
  RESET: { guest: boolean; reason: ShutdownCause };
  POWERDOWN: Empty;
  STOP: Empty;
  RESUME: Empty;
  SUSPEND: Empty;
  WAKEUP: Empty;
  WATCHDOG: { action: string };
  GUEST_PANICKED: { action: string } & Json;
  DEVICE_DELETED: { device?: string; path: string };
  VSERPORT_CHANGE: { id: string; open: boolean };
}

export type CommandName = keyof QmpCommands | (string & {});
export type ArgsOf<C extends string> = C extends keyof QmpCommands ? QmpCommands[C]['args'] : object;
export type ReturnOf<C extends string> = C extends keyof QmpCommands ? QmpCommands[C]['returns'] : unknown;
export type EventName = keyof QmpEvents | (string & {});
export type DataOf<E extends string> = E extends keyof QmpEvents
  ? QmpEvents[E]
  : Readonly<Record<string, unknown>>;
