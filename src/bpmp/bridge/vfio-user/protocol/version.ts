import { Errno, invalid, RequestError } from './error.js';
import type { Frame } from './frame.js';
import { HEADER_SIZE, MAX_DESCRIPTORS, MAX_TRANSFER } from './numbers.js';
import type { Reply } from './reply.js';

const decoder = new TextDecoder('utf-8', { fatal: true });

// Multiple writes in one message are not offered: a device would have to be told where one ends.
const capabilities = new TextEncoder().encode(
  `${JSON.stringify({ capabilities: { max_msg_fds: MAX_DESCRIPTORS, max_data_xfer_size: MAX_TRANSFER } })}\0`,
);

/** VERSION: the client proposes, we take major 0 and answer minor 0, which every minor includes. */
export function answerVersion(frame: Frame, reply: Reply): void {
  if (frame.payloadSize < 4) throw invalid('VERSION is too short');
  if (frame.u16(HEADER_SIZE) !== 0) throw new RequestError(Errno.EPROTONOSUPPORT, 'unknown major version');
  if (frame.payloadSize > 4) checkCapabilities(frame.part(HEADER_SIZE + 4, frame.payloadSize - 4));
  reply.begin(frame, 4 + capabilities.length);
  reply.u16(HEADER_SIZE, 0);
  reply.u16(HEADER_SIZE + 2, 0);
  reply.bytes.set(capabilities, HEADER_SIZE + 4);
}

/** Nothing in them changes what we do, but what is not the JSON it should be is refused. */
function checkCapabilities(data: Uint8Array): void {
  if (data[data.length - 1] !== 0) throw invalid('the version data does not end with NUL');
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(data.subarray(0, -1)));
  } catch {
    throw invalid('the version data is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid('the version data is not an object');
  }
}
