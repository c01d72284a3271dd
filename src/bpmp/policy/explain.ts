import { classify, commandOf, describe, mrqs, newShape, type Shape, ShapeStatus } from '../wire/index.js';
import { Amendment } from './amendment.js';
import { builtIn } from './builtin.js';
import type { CompiledPolicy } from './compiled.js';
import type { Decision, Rule } from './decision.js';
import { formatGrant } from './grant.js';
import type { PolicyModel } from './model.js';
import { type Need, needOf } from './need.js';
import { formatRate } from './rate.js';
import { resourceKind } from './resource-kind.js';
import { NO_PROTECTION, type Protection, standing } from './resource-table.js';
import { higher } from './rights.js';

/** A decision with its reasons, for people. */
export interface Explanation {
  readonly decision: Decision;
  /** The rule that made it: `policies/gpu.yaml:12 clocks.GPUSYS`. */
  readonly rule: string;
  /** What was looked at, one line each, in order. */
  readonly steps: readonly string[];
  /** For a denial: the least YAML that, merged into the policy, lets the request pass; absent where nothing does. */
  readonly fix?: string;
  /** For what was absorbed: the YAML with which it would be carried out, as of something that is the VM's alone. */
  readonly carryOut?: string;
  /** What the request takes; for who wants to know what a line would let the guest do. */
  readonly need: Need;
  readonly considered: readonly Considered[];
}

/** A rule that was looked at, or the want of one, and what it says. */
export interface Considered {
  readonly rule: Rule | undefined;
  readonly says: string;
  /** True for the rule that made the decision. */
  readonly decides: boolean;
}

export function explain(
  compiled: CompiledPolicy,
  model: PolicyModel,
  protection: Protection,
  mrq: number,
  tx: Uint8Array,
): Explanation {
  const shape = classify(mrq, tx, newShape());
  const decision = compiled.decide(shape, tx);
  const need = needOf(shape, tx, model.chip);
  const steps = [
    describe(mrq, tx, model.chip),
    ...considered(shape, tx, need, model, protection),
    `${decision.verdict} by "${decision.rule.text}", answered ${decision.verdict === 'allow' ? 'by the firmware' : decision.ret}`,
  ];
  const explanation = {
    decision,
    rule: decision.rule.text,
    steps,
    need,
    considered: rulesFor(decision, need, model, protection),
  };
  if (decision.verdict === 'absorb') return { ...explanation, ...carryingOut(need, model, protection) };
  if (decision.hidden) steps.push('the guest takes it for a hole: no event is raised');
  if (decision.verdict !== 'deny') return explanation;
  const amendment = new Amendment(model, protection);
  const why = amendment.add(need);
  const fix = amendment.fragment;
  if (why !== undefined || fix === undefined) {
    steps.push(
      why === undefined || need.kind === 'never' ? 'no line can allow it' : `no line can allow it: ${why}`,
    );
    return explanation;
  }
  steps.push(`to allow it, set ${fix}`);
  return { ...explanation, fix };
}

function considered(
  shape: Shape,
  tx: Uint8Array,
  need: Need,
  model: PolicyModel,
  protection: Protection,
): string[] {
  if (shape.status === ShapeStatus.TRUNCATED) {
    const least = commandOf(shape.mrq, shape.command)?.minimum;
    return [`${tx.length} bytes, where it takes ${least === undefined ? 'more' : `at least ${least}`}`];
  }
  switch (need.kind) {
    case 'never':
      return [need.why];
    case 'bus': {
      const line = model.buses.get(need.bus);
      return [`i2c: ${line ? line.rule.text : `no line speaks of bus ${need.bus}`}`];
    }
    case 'family': {
      const line = model.families.get(need.mrq);
      const { name } = mrqs.get(need.mrq)!;
      return [line ? `mrqs: ${line.rule.text}` : `mrqs: no line speaks of ${name}`];
    }
    case 'resource':
      return resourceSteps(need, model, protection);
  }
}

function resourceSteps(
  { section, id, action, rateHz, parent }: Extract<Need, { kind: 'resource' }>,
  model: PolicyModel,
  protection: Protection,
): string[] {
  const kind = resourceKind[section];
  const name = kind.table(model.chip).nameOf(id);
  const found = standing(model, kind, id, section === 'clocks' ? protection : NO_PROTECTION);
  const steps: string[] = [];
  if (found.line !== undefined) steps.push(`${found.line.rule.text} gives ${formatGrant(found.line.grant)}`);
  else if (found.closure)
    steps.push(`${name} is the parent of a granted clock: seen and enabled, not changed`);
  else steps.push(`${section}: no line speaks of ${name}`);
  if (found.named) steps.push(`the guest's device tree names ${name}, so it is seen`);
  if (found.root) steps.push(`${name} is one of the shared roots, which every part of the chip hangs on`);
  const needed = found.shared && action.harmsOthers ? 'use' : action.needs;
  steps.push(`${action.name} takes the right "${needed}"`);
  if (found.shared && action.harmsOthers) {
    steps.push(
      `${name} is shared: what would take it from others is ${found.onShared === 'absorb' ? 'absorbed' : 'denied'}`,
    );
    return steps;
  }
  const ceiling = found.line?.grant.maxRateHz;
  if (rateHz !== undefined && ceiling !== undefined) {
    const rate = Number.isFinite(rateHz) ? formatRate(rateHz) : 'a rate beyond 2^53 Hz';
    steps.push(
      `${rate} ${rateHz > ceiling ? 'is above' : 'is within'} its maxRate of ${formatRate(ceiling)}`,
    );
  }
  if (parent !== undefined) {
    const { granted } = standing(model, resourceKind.clocks, parent, protection);
    const parentName = model.chip.clocks.nameOf(parent) ?? `clock ${parent}`;
    steps.push(`the new parent ${parentName} is ${granted ? '' : 'not '}among what the VM may see`);
  }
  return steps;
}

/** The rules that speak of what a request needs; the one that decided is among them. */
function rulesFor(
  decision: Decision,
  need: Need,
  model: PolicyModel,
  protection: Protection,
): readonly Considered[] {
  const found: Omit<Considered, 'decides'>[] = [];
  if (need.kind === 'resource') found.push(...rulesOfResource(need, model, protection));
  else if (need.kind === 'family') {
    const line = model.families.get(need.mrq);
    const { name, commands } = mrqs.get(need.mrq)!;
    const names = commands.filter(({ number }) => line?.commands.has(number)).map((each) => each.name);
    if (line === undefined) found.push({ rule: undefined, says: `no line of "mrqs:" speaks of ${name}` });
    else
      found.push({ rule: line.rule, says: names.length === 0 ? 'gives none' : `gives ${names.join(', ')}` });
  } else if (need.kind === 'bus') {
    const line = model.buses.get(need.bus);
    if (line === undefined)
      found.push({ rule: undefined, says: `no line of "i2c:" speaks of bus ${need.bus}` });
    else found.push({ rule: line.rule, says: `gives ${line.addresses.size} addresses` });
  }
  const says = need.kind === 'never' ? need.why : 'made the decision';
  if (!found.some(({ rule }) => rule?.text === decision.rule.text)) found.push({ rule: decision.rule, says });
  return found.map((each) => ({ ...each, decides: each.rule?.text === decision.rule.text }));
}

function rulesOfResource(
  { section, id, parent, action }: Extract<Need, { kind: 'resource' }>,
  model: PolicyModel,
  protection: Protection,
): Omit<Considered, 'decides'>[] {
  const kind = resourceKind[section];
  const table = kind.table(model.chip);
  const found = standing(model, kind, id, section === 'clocks' ? protection : NO_PROTECTION);
  const rules: Omit<Considered, 'decides'>[] = [];
  if (found.line) rules.push({ rule: found.line.rule, says: `gives ${formatGrant(found.line.grant)}` });
  else if (found.closure)
    rules.push({ rule: builtIn.parent, says: 'a granted clock hangs on it: seen and enabled, not changed' });
  else rules.push({ rule: undefined, says: `no line of "${section}:" speaks of ${table.nameOf(id) ?? id}` });
  if (found.root)
    rules.push({ rule: builtIn.sharedRoots, says: 'the whole chip hangs on it: enabled, not changed' });
  if (found.named) rules.push({ rule: builtIn.asked, says: 'so it can be read' });
  if (action.readOnly && !found.granted && model.viewRule)
    rules.push({ rule: model.viewRule, says: model.view === 'full' ? 'shows it' : 'hides it' });
  if (parent !== undefined) {
    const name = model.chip.clocks.nameOf(parent) ?? `clock ${parent}`;
    const { line, granted } = standing(model, resourceKind.clocks, parent, protection);
    rules.push({
      rule: line?.rule,
      says: `the new parent ${name} is ${granted ? '' : 'not '}granted${line ? '' : ' by any line'}`,
    });
  }
  return rules;
}

function carryingOut(need: Need, model: PolicyModel, protection: Protection): { carryOut?: string } {
  if (need.kind !== 'resource') return {};
  const { section, id, action } = need;
  const kind = resourceKind[section];
  const name = kind.table(model.chip).nameOf(id);
  const { root, line } = standing(model, kind, id, section === 'clocks' ? protection : NO_PROTECTION);
  // No line takes the protection of a root away.
  if (root || name === undefined) return {};
  const { shared: _, onShared: __, right, ...rest } = line?.grant ?? {};
  const grant = { ...rest, right: higher(right ?? 'none', action.needs) };
  return { carryOut: `${section}: {${name}: ${formatGrant(grant)}}` };
}
