import { type ErrorCode, GpuvmError } from '../errors.js';
import type { QmpFailure } from './message.js';
import { redactArguments } from './redact.js';

/** A command as errors tell of it; secrets among the arguments are left out. */
export interface QmpRequest {
  readonly command: string;
  readonly arguments?: object | undefined;
}

/** The `details` of GPUVM_QMP_COMMAND. */
export interface QmpRefusalDetails {
  /** "GenericError", "CommandNotFound", "DeviceNotFound", "DeviceNotActive" or "KVMMissingCap". */
  readonly class: string;
  readonly request: QmpRequest;
  readonly reply: QmpFailure;
}

/** GPUVM_QMP_COMMAND: QEMU answered with an error. */
export type QmpRefusal = GpuvmError & {
  readonly code: 'GPUVM_QMP_COMMAND';
  readonly details: QmpRefusalDetails;
};

/** Whether `error` is QEMU's own refusal of a command, of this class where one is given. */
export function isRefusal(error: unknown, errorClass?: string): error is QmpRefusal {
  if (!GpuvmError.is(error, 'GPUVM_QMP_COMMAND')) return false;
  return errorClass === undefined || error.details.class === errorClass;
}

export function requestOf(command: string, args: object | undefined): QmpRequest {
  return { command, arguments: redactArguments(command, args) };
}

export function refused(command: string, args: object | undefined, reply: QmpFailure): GpuvmError {
  return new GpuvmError('GPUVM_QMP_COMMAND', `QEMU refused ${command}: ${reply.desc}`, {
    details: { class: reply.class, request: requestOf(command, args), reply } satisfies QmpRefusalDetails,
  });
}

export function late(command: string, args: object | undefined, deadlineMs: number): GpuvmError {
  return new GpuvmError('GPUVM_QMP_TIMEOUT', `QEMU did not answer ${command} within ${deadlineMs} ms`, {
    details: { request: requestOf(command, args), deadlineMs },
  });
}

export function unanswered(command: string, args: object | undefined, reason: GpuvmError): GpuvmError {
  return new GpuvmError(reason.code, `${command} was not answered: ${reason.message}`, {
    cause: reason,
    details: { ...reason.details, request: requestOf(command, args) },
  });
}

export function unsent(
  command: string,
  args: object | undefined,
  reason: { code: ErrorCode; message: string },
) {
  return new GpuvmError(reason.code, `${command} cannot be sent: ${reason.message}`, {
    cause: reason,
    details: { request: requestOf(command, args) },
  });
}

export function closed(message: string, cause?: unknown): GpuvmError {
  return new GpuvmError('GPUVM_QMP_CLOSED', message, { cause });
}

export function stray(what: string): GpuvmError {
  return new GpuvmError('GPUVM_QMP_PROTOCOL', `the QMP server sent ${what}`);
}
