/**
 * The one catalogue of errors. A code is stable: users match on it, docs/errors.md documents it, and a test
 * holds the two together. A message says what is wrong, where, and what to do, in one line.
 */

/** What the process ends with, after sysexits.h where it fits, so that a unit file can tell them apart. */
export const ExitStatus = {
  /** A mistake in the call or in a file that the user wrote. */
  USAGE: 64,
  /** Input data that cannot be read as what it should be. */
  DATA: 65,
  /** Something that must be there is not: a device, a program, a kernel feature. */
  UNAVAILABLE: 69,
  /** A defect in gpuvm itself. */
  SOFTWARE: 70,
  /** The system refused: a file, a socket, a process. */
  OS: 71,
  /** It may work when tried again. */
  TEMPORARY: 75,
  /** Another program did not keep to its protocol. */
  PROTOCOL: 76,
  /** Permission is missing. */
  PERMISSION: 77,
  /** The configuration (a VM file, a policy) is wrong. */
  CONFIG: 78,
} as const;
export type ExitStatus = (typeof ExitStatus)[keyof typeof ExitStatus];

/** `gpuvm run` ends with this when it leaves its VM to the supervisor that systemd starts next; no error's. */
export const HANDED_OVER = 80;

/** Every code with the exit status it leads to. One line of explanation each is in docs/errors.md. */
export const errorCodes = {
  GPUVM_USAGE: ExitStatus.USAGE,
  GPUVM_INTERNAL: ExitStatus.SOFTWARE,
  GPUVM_FILE: ExitStatus.OS,
  GPUVM_CONFIG: ExitStatus.CONFIG,
  GPUVM_POLICY: ExitStatus.CONFIG,
  GPUVM_DEVICE_TREE: ExitStatus.DATA,
  GPUVM_INPUT: ExitStatus.DATA,
  GPUVM_REQUEST: ExitStatus.DATA,
  GPUVM_FILTER: ExitStatus.USAGE,
  GPUVM_INSPECT: ExitStatus.UNAVAILABLE,
  GPUVM_ADDON_MISSING: ExitStatus.UNAVAILABLE,
  GPUVM_KERNEL_FEATURE: ExitStatus.UNAVAILABLE,
  GPUVM_HOST_DEVICE: ExitStatus.UNAVAILABLE,
  GPUVM_DEVICE: ExitStatus.UNAVAILABLE,
  GPUVM_BIND: ExitStatus.OS,
  GPUVM_VFIO: ExitStatus.OS,
  GPUVM_VFIO_CLOSED: ExitStatus.SOFTWARE,
  GPUVM_LOCKED: ExitStatus.TEMPORARY,
  GPUVM_JOURNAL: ExitStatus.OS,
  GPUVM_BRIDGE: ExitStatus.OS,
  GPUVM_BRIDGE_CLOSED: ExitStatus.SOFTWARE,
  GPUVM_QEMU_START: ExitStatus.UNAVAILABLE,
  GPUVM_QEMU_EXIT: ExitStatus.SOFTWARE,
  GPUVM_QEMU_UNSUITABLE: ExitStatus.UNAVAILABLE,
  GPUVM_HOOK: ExitStatus.OS,
  GPUVM_GUEST_AGENT: ExitStatus.TEMPORARY,
  GPUVM_HAND_OVER: ExitStatus.TEMPORARY,
  GPUVM_QMP_PROTOCOL: ExitStatus.PROTOCOL,
  GPUVM_QMP_COMMAND: ExitStatus.SOFTWARE,
  GPUVM_QMP_TIMEOUT: ExitStatus.TEMPORARY,
  GPUVM_QMP_CLOSED: ExitStatus.SOFTWARE,
  GPUVM_CONTROL: ExitStatus.OS,
  GPUVM_CONTROL_REQUEST: ExitStatus.DATA,
  GPUVM_CONTROL_PERMISSION: ExitStatus.PERMISSION,
  GPUVM_VM_ABSENT: ExitStatus.UNAVAILABLE,
  GPUVM_VM_PRESENT: ExitStatus.TEMPORARY,
  GPUVM_VM_STATE: ExitStatus.TEMPORARY,
  GPUVM_SYSTEMD: ExitStatus.OS,
  GPUVM_WAIT: ExitStatus.TEMPORARY,
} as const satisfies Record<string, ExitStatus>;
export type ErrorCode = keyof typeof errorCodes;

/** Where in a file a mistake is; line and column count from 1. */
export interface Place {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
}

export interface GpuvmErrorOptions {
  readonly cause?: unknown;
  readonly place?: Place;
  /** Facts for programs: field names and values, as JSON would hold them. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** The one error class. Test it by `code` (or `GpuvmError.is`), which survives a second installed copy. */
export class GpuvmError extends Error {
  override readonly name = 'GpuvmError';
  readonly code: ErrorCode;
  readonly exitStatus: ExitStatus;
  readonly place: Place | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: GpuvmErrorOptions = {}) {
    super(
      options.place ? `${formatPlace(options.place)}: ${message}` : message,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.code = code;
    this.exitStatus = errorCodes[code];
    this.place = options.place;
    this.details = options.details ?? {};
  }

  static is(error: unknown, code?: ErrorCode): error is GpuvmError {
    if (!(error instanceof Error) || error.name !== 'GpuvmError') return false;
    return code === undefined || (error as GpuvmError).code === code;
  }
}

/** `file:line:column`, as editors and compilers print it. */
export function formatPlace({ file, line, column }: Place): string {
  if (line === undefined) return file;
  return column === undefined ? `${file}:${line}` : `${file}:${line}:${column}`;
}
