import { type ErrorCode, errorCodes, GpuvmError } from '../errors.js';

/** A request that is refused: an error of the catalogue with the HTTP status that says the same. */
export class Refusal extends GpuvmError {
  readonly status: number;
  /** Further headers of the answer: `Allow` for one. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super('GPUVM_CONTROL_REQUEST', message);
    this.status = status;
    this.headers = headers;
  }
}

/** The HTTP status of an error of the catalogue; what is not here is ours, 500. */
const statuses: Partial<Record<ErrorCode, number>> = {
  GPUVM_CONTROL_REQUEST: 400,
  GPUVM_USAGE: 400,
  GPUVM_VM_STATE: 409,
  GPUVM_QMP_COMMAND: 422,
  GPUVM_QMP_PROTOCOL: 502,
  GPUVM_QMP_CLOSED: 503,
  GPUVM_VM_ABSENT: 503,
  GPUVM_QMP_TIMEOUT: 504,
};

export interface ErrorAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: {
    readonly error: { readonly code: string; readonly message: string; readonly details?: object };
  };
}

/** An error as it is answered; a client makes the same error of it again. */
export function answerOf(error: unknown): ErrorAnswer {
  const known = GpuvmError.is(error) && error.code in errorCodes;
  const code: ErrorCode = known ? error.code : 'GPUVM_INTERNAL';
  const message = error instanceof Error ? error.message : String(error);
  const details = known && Object.keys(error.details).length > 0 ? { details: error.details } : {};
  return {
    status: error instanceof Refusal ? error.status : (statuses[code] ?? 500),
    headers: error instanceof Refusal ? error.headers : {},
    body: { error: { code, message, ...details } },
  };
}
