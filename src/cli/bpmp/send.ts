import { createBackend, HostDevice, MAX_PAYLOAD } from '../../bpmp/backend/index.js';
import { tegra234 } from '../../bpmp/tegra234/index.js';
import {
  decodeReply,
  decodeRequest,
  describe,
  type EncodedRequest,
  parseRequestWords,
} from '../../bpmp/wire/index.js';
import { GpuvmError } from '../../errors.js';
import type { Call } from '../command.js';
import type { Context } from '../context.js';
import { parseHex, parseMrq } from '../numbers.js';
import { formatRet, replyLines } from './transfer-text.js';

/** What `gpuvm bpmp send` ends with where the request was answered, but with an error. */
const REFUSED = 1;

export async function run({ args: words, options }: Call, { stdout, json }: Context): Promise<number> {
  const { mrq, tx } = options.raw ? rawRequest(words) : parseRequestWords(words, tegra234);
  if (tx.length > MAX_PAYLOAD) {
    throw new GpuvmError(
      'GPUVM_REQUEST',
      `a request has at most ${MAX_PAYLOAD} bytes, this one has ${tx.length}`,
    );
  }
  const backend = createBackend(
    options.simulated
      ? { kind: 'simulated' }
      : { kind: 'host-device', path: String(options.device ?? '/dev/bpmp-host') },
  );
  try {
    const rx = new Uint8Array(MAX_PAYLOAD);
    const { ret, rxSize } = await backend.transfer(mrq, tx, rx);
    const reply = decodeReply(mrq, tx, ret, rx.subarray(0, rxSize), tegra234);
    const refusal = backend instanceof HostDevice ? backend.refusal() : undefined;
    if (json) {
      stdout.json({ request: decodeRequest(mrq, tx, tegra234), reply, ...(refusal && { refusal }) });
    } else {
      stdout.line(`${describe(mrq, tx, tegra234)}: ${formatRet(ret)}`);
      for (const line of replyLines(reply)) stdout.line(line);
      if (refusal) stdout.line(`  ${refusal}`);
    }
    return ret < 0 ? REFUSED : 0;
  } finally {
    await backend.close();
  }
}

function rawRequest(words: readonly string[]): EncodedRequest {
  const [mrq, hex = '', ...more] = words;
  if (mrq === undefined || more.length > 0) {
    throw new GpuvmError('GPUVM_USAGE', '--raw takes an MRQ and the payload, such as: --raw 22 30010007');
  }
  return { mrq: parseMrq(mrq), tx: parseHex(hex, 'the payload') };
}
