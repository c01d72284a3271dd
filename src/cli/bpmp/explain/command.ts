import { createBackend } from '../../../bpmp/backend/index.js';
import {
  type Expectation,
  type Explanation,
  expectationOf,
  isAsExpected,
  isByTree,
  loadPolicy,
  mergeFix,
  type Policy,
  unifiedDiff,
} from '../../../bpmp/policy/index.js';
import { ClockTree } from '../../../bpmp/replay/index.js';
import { tegra234 } from '../../../bpmp/tegra234/index.js';
import { decodeRequest, describe } from '../../../bpmp/wire/index.js';
import type { HostUsers } from '../../../passthrough/index.js';
import type { Call } from '../../command.js';
import type { Context } from '../../context.js';
import { printable } from '../../printable.js';
import { readHostUsers } from '../host-users.js';
import { bytesOf } from './bytes.js';
import { impactOf } from './impact.js';
import { readSubject, type Subject } from './subject.js';
import { type Explained, linesOf } from './text.js';

/** What was said of a recorded request, beside what the policy says now. */
export interface Compared {
  readonly expected: Expectation;
  readonly same: boolean;
}

const DEVICE = '/dev/bpmp-host';
const LIVE_TREE = '/proc/device-tree';

export async function run({ args: words, options }: Call, context: Context): Promise<number> {
  const { stdout, json } = context;
  const policy = await loadPolicy(String(options.policy));
  const subject = await readSubject(words, options.mrq, context);
  const clocks = await askClocks(options.device);
  const users = await hostUsers(options.hostTree);
  const explained = explain(policy, subject, clocks, users);
  if (json) stdout.json(jsonOf(explained));
  else for (const line of linesOf(explained)) stdout.line(printable(line));
  return 0;
}

function explain(
  policy: Policy,
  subject: Subject,
  clocks: ClockTree,
  users: HostUsers | undefined,
): Explained {
  const { mrq, tx, record } = subject;
  const { grantedClocks, chip } = policy.compile();
  const named =
    record !== undefined && isByTree(record)
      ? { clocks: chip.clocks.ids, powerDomains: chip.powerDomains.ids }
      : undefined;
  const compiled = policy.compile({
    sharedParents: { clocks: clocks.above(grantedClocks) },
    ...(named && { named }),
  });
  const explanation = compiled.explain(mrq, tx);
  const expected = record && expectationOf(record, chip);
  return {
    subject,
    bytes: bytesOf(mrq, tx),
    explanation,
    change: changeOf(policy, explanation),
    impact: impactOf(explanation.need, clocks, users),
    compared: expected && { expected, same: isAsExpected(expected, explanation.decision.verdict) },
  };
}

function changeOf(policy: Policy, { fix, carryOut }: Explanation): Explained['change'] {
  const fragment = fix ?? carryOut;
  if (fragment === undefined) return undefined;
  const after = mergeFix(policy.text, fragment, policy.file);
  const diff = unifiedDiff(policy.text, after, { before: policy.file, after: policy.file });
  const what =
    fix === undefined
      ? "to have it carried out, as of something that is the VM's alone, set"
      : 'to allow it, set';
  return { what, fragment, diff };
}

/** Which clock hangs on which: a device's answer, or the model's. */
async function askClocks(device: unknown): Promise<ClockTree> {
  const backend = createBackend(
    device === undefined
      ? { kind: 'simulated' }
      : { kind: 'host-device', path: typeof device === 'string' ? device : DEVICE },
  );
  try {
    return await ClockTree.ask(backend, tegra234);
  } finally {
    await backend.close();
  }
}

/** By the tree that is given; else by this host's, if it is one that has a BPMP. */
async function hostUsers(given: unknown): Promise<HostUsers | undefined> {
  if (given !== undefined) return readHostUsers(String(given));
  const users = await readHostUsers(LIVE_TREE).catch(() => undefined);
  return users?.usedNow('clocks').length ? users : undefined;
}

function jsonOf({ subject, bytes, explanation, change, impact, compared }: Explained) {
  const { mrq, tx, record } = subject;
  const { decision, considered, need, steps } = explanation;
  return {
    request: { text: describe(mrq, tx, tegra234), ...decodeRequest(mrq, tx, tegra234) },
    mrq,
    tx,
    bytes: bytes.map(({ offset, bytes: part, meaning }) => ({ offset, bytes: part, meaning })),
    resource:
      need.kind === 'resource'
        ? { kind: need.section, id: need.id, name: tegra234[need.section].nameOf(need.id) ?? null }
        : null,
    rules: considered.map(({ rule, says, decides }) => ({
      rule: rule?.text ?? null,
      place: rule?.place ?? null,
      says,
      decides,
    })),
    verdict: decision.verdict,
    ret: decision.ret,
    hidden: decision.hidden,
    rule: decision.rule.text,
    steps,
    change: change ?? null,
    impact: impact ?? null,
    ...(record && {
      record: {
        sequence: record.sequence,
        vm: record.vm,
        timeNs: record.timeNs,
        verdict: record.verdict,
        rule: record.rule,
        ret: record.ret,
        ...compared,
      },
    }),
  };
}
