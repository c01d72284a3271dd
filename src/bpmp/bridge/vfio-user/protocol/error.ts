import { constants } from 'node:os';

/** Linux errno values, positive, as an error reply carries them. */
export const Errno = constants.errno;

/** A request that is answered with an error reply; the connection goes on. */
export class RequestError extends Error {
  override readonly name = 'RequestError';

  /** @param errno - positive, one of {@link Errno} */
  constructor(
    readonly errno: number,
    message: string,
  ) {
    super(message);
  }
}

/** A stream that cannot be trusted any further: the connection ends. `message` is one line. */
export class StreamError extends Error {
  override readonly name = 'StreamError';
}

export function invalid(message: string): RequestError {
  return new RequestError(Errno.EINVAL, message);
}
