import { tegra234 } from '../../bpmp/tegra234/index.js';
import { decodeReply, decodeRequest, describe } from '../../bpmp/wire/index.js';
import { ExitStatus, GpuvmError } from '../../errors.js';
import type { Call } from '../command.js';
import type { Context } from '../context.js';
import { parseHex, parseMrq } from '../numbers.js';
import { formatRet, replyLines } from './transfer-text.js';

export async function run({ args: [hex = ''], options }: Call, { stdout, json }: Context): Promise<number> {
  const mrq = parseMrq(String(options.mrq));
  const tx = parseHex(hex, 'the payload');
  const request = decodeRequest(mrq, tx, tegra234);
  const reply =
    options.reply === undefined
      ? undefined
      : decodeReply(mrq, tx, parseRet(options.ret), parseHex(String(options.reply), 'the reply'), tegra234);
  if (json) stdout.json({ request, ...(reply ? { reply } : {}) });
  else {
    stdout.line(describe(mrq, tx, tegra234));
    if (reply) for (const line of [`reply: ${formatRet(reply.ret)}`, ...replyLines(reply)]) stdout.line(line);
  }
  return request.status === 'malformed' || reply?.status === 'malformed' ? ExitStatus.DATA : 0;
}

function parseRet(text: unknown): number {
  const ret = text === undefined ? 0 : Number(text);
  if (Number.isInteger(ret) && Math.abs(ret) < 2 ** 31) return ret;
  throw new GpuvmError('GPUVM_USAGE', `--ret takes a number such as -22, not ${JSON.stringify(text)}`);
}
