import { type ErrorCode, ExitStatus, errorCodes, GpuvmError } from '../errors.js';

/** A long chain of causes is a loop or of no use. */
const MAX_CAUSES = 10;

export interface Failure {
  /** Lines for people, the first of which says it all. */
  readonly lines: readonly string[];
  readonly json: Readonly<Record<string, unknown>>;
  readonly status: number;
}

/** An error as it is printed: one line for each mistake, and the causes numbered where more is asked for. */
export function describeFailure(error: unknown, verbose: boolean): Failure {
  const known = GpuvmError.is(error);
  const code: ErrorCode = known && error.code in errorCodes ? error.code : 'GPUVM_INTERNAL';
  const message = oneLine(error);
  const details = known ? error.details : {};
  const mistakes = Array.isArray(details.mistakes) ? details.mistakes.map(String) : [];
  const lines = mistakes.length > 1 ? mistakes.map((mistake) => `gpuvm: ${mistake}`) : [`gpuvm: ${message}`];
  // A text with a caret under the place.
  if (Array.isArray(details.shown)) lines.push(...details.shown.map((line) => `  ${line}`));
  const causes = causesOf(error).map(oneLine);
  if (verbose) {
    lines.push(...causes.map((cause, index) => `  ${index + 1}. ${cause}`));
    // A defect of ours is the one case where the place in the code helps.
    if (code === 'GPUVM_INTERNAL' && error instanceof Error && error.stack) lines.push(error.stack);
  }
  const place = known && error.place ? { place: error.place } : {};
  return {
    lines,
    json: { error: { code, message, ...place, details, causes } },
    status: known ? error.exitStatus : ExitStatus.SOFTWARE,
  };
}

function causesOf(error: unknown): unknown[] {
  const causes: unknown[] = [];
  for (let next = causeOf(error); next !== undefined && causes.length < MAX_CAUSES; next = causeOf(next)) {
    causes.push(next);
  }
  return causes;
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined;
}

function oneLine(error: unknown): string {
  const message = error instanceof Error ? error.message || error.name : String(error);
  return message.trim().replace(/\s*\n\s*/g, ' / ');
}
