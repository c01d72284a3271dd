import { fieldsOf } from '../../../bpmp/fields/index.js';
import { tegra234 } from '../../../bpmp/tegra234/index.js';
import { decodeReply, decodeRequest } from '../../../bpmp/wire/index.js';
import { toJson } from '../../output.js';
import { printableJson } from '../../printable.js';
import type { Form } from './form.js';
import { isoTime } from './times.js';

/** One JSON document a line: the transfer, decoded, and every field of it by the name that filters know. */
export const documentForm: Form = (record) => {
  const { timeNs, mrq, tx, ret, rx, hidden = false, observed = false } = record;
  const fields = Object.fromEntries([...fieldsOf(record)].map(([{ name }, values]) => [name, values]));
  const document = {
    time: isoTime(timeNs),
    timeNs,
    sequence: record.sequence,
    vm: record.vm,
    verdict: record.verdict,
    hidden,
    observed,
    rule: record.rule,
    ret,
    latencyNs: record.latencyNs,
    ...(record.thread !== undefined && { thread: record.thread }),
    mrq,
    tx,
    rx,
    request: decodeRequest(mrq, tx, tegra234),
    reply: decodeReply(mrq, tx, ret, rx, tegra234),
    fields,
  };
  return `${printableJson(toJson(document))}\n`;
};
