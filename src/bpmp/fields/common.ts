import type { TransferRecord } from '../capture/index.js';
import { tegra234 } from '../tegra234/index.js';
import { BpmpError, decodeReply, describe, errorName, Mrq, mrqs } from '../wire/index.js';
import type { Field, FieldType, FieldValue } from './field.js';
import { lookAt, requestStatus } from './look.js';
import { visibleNul } from './read.js';

type Values = readonly FieldValue[];

const none: Values = [];
const yes: Values = [true];
const no: Values = [false];

/** Lists of one value each, made once, as a million records have the same few. */
const verdicts = { allow: ['allow'], deny: ['deny'], absorb: ['absorb'], malformed: ['malformed'] } as const;
const statuses = { ok: ['ok'], unknown: ['unknown'], malformed: ['malformed'] } as const;
const mrqNames = new Map<number, Values>([...mrqs.values()].map(({ number, name }) => [number, [name]]));
const errorNames = new Map<number, Values>(
  Object.values(BpmpError).map((number) => [number, [errorName(number)!]]),
);

function one(value: FieldValue | undefined): Values {
  return value === undefined ? none : [value];
}

function bytes(value: Uint8Array): Values {
  return value.length === 0 ? none : [value];
}

function common(
  name: string,
  type: FieldType,
  label: string,
  meaning: string,
  values: (record: TransferRecord) => Values,
  numbers?: Readonly<Record<string, number>>,
): Field {
  return {
    name: `bpmp.${name}`,
    type,
    label,
    meaning,
    wide: false,
    unit: name === 'latency' ? 'ns' : undefined,
    numbers,
    mrqs: undefined,
    values,
  };
}

/** What every transfer has, whatever it asks. */
export const commonFields: readonly Field[] = [
  common('vm', 'string', 'VM', "the VM's name", ({ vm }) => [visibleNul(vm)]),
  common('sequence', 'uint', 'Sequence', "the transfer's number among its VM's", ({ sequence }) => [
    sequence,
  ]),
  common(
    'verdict',
    'string',
    'Verdict',
    'allow, deny, absorb or malformed',
    ({ verdict }) => verdicts[verdict],
  ),
  common(
    'hidden',
    'bool',
    'Hidden',
    'whether it was denied for asking about what the view hides',
    (record) => (record.hidden ? yes : no),
  ),
  common(
    'observed',
    'bool',
    'Observed',
    'whether the policy was only watching (mode audit or learn)',
    (record) => (record.observed ? yes : no),
  ),
  common('rule', 'string', 'Rule', 'the rule that decided', ({ rule }) => [visibleNul(rule)]),
  common('ret', 'int', 'Return code', 'what the guest was answered: 0, or a negative code', ({ ret }) => [
    ret,
  ]),
  common(
    'ret.name',
    'string',
    'Return code name',
    "the code's name, such as EPERM; 0 has none",
    ({ ret }) => errorNames.get(ret) ?? none,
    BpmpError,
  ),
  common('latency', 'uint', 'Latency', "ns from the request's arrival to its answer", ({ latencyNs }) => [
    latencyNs,
  ]),
  common('time', 'time', 'Response time', 'the latency as a span of time', ({ latencyNs }) => [latencyNs]),
  common('thread', 'uint', 'Thread', "the VMM's thread that asked, where it is known", ({ thread }) =>
    one(thread || undefined),
  ),
  common('mrq', 'uint', 'MRQ', 'the number of the message request', ({ mrq }) => [mrq]),
  common(
    'mrq.name',
    'string',
    'MRQ name',
    'its name, such as CLK',
    ({ mrq }) => mrqNames.get(mrq) ?? none,
    Mrq,
  ),
  common('cmd', 'uint', 'Command', "the MRQ's command, where it has commands", (record) => {
    const { hasCommand, shape } = lookAt(record);
    return hasCommand ? [shape.command] : none;
  }),
  common('cmd.name', 'string', 'Command name', 'its name, such as SET_RATE', (record) => {
    const { hasCommand, info } = lookAt(record);
    return hasCommand ? one(info?.name) : none;
  }),
  common('request', 'string', 'Request', 'the request in one line', ({ mrq, tx }) => [
    describe(mrq, tx, tegra234),
  ]),
  common(
    'status',
    'string',
    'Status',
    "the request's: ok, unknown or malformed",
    (record) => statuses[requestStatus(lookAt(record))],
  ),
  common(
    'reply.status',
    'string',
    'Reply status',
    "the reply's: ok, unknown or malformed",
    ({ mrq, tx, ret, rx }) => statuses[decodeReply(mrq, tx, ret, rx).status],
  ),
  common('tx', 'bytes', 'Request bytes', "the request's payload", ({ tx }) => bytes(tx)),
  common('rx', 'bytes', 'Reply bytes', "the reply's payload", ({ rx }) => bytes(rx)),
  common('tx.size', 'uint', 'Request size', "bytes of the request's payload", ({ tx }) => [tx.length]),
  common('rx.size', 'uint', 'Reply size', "bytes of the reply's payload", ({ rx }) => [rx.length]),
];
