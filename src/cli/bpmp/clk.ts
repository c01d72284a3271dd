import {
  type ClockState,
  clockTree,
  readClock,
  readClocks,
  withAncestors,
} from '../../bpmp/inspect/index.js';
import { tegra234 } from '../../bpmp/tegra234/index.js';
import { encodeRequest, parseQuantity } from '../../bpmp/wire/index.js';
import { GpuvmError } from '../../errors.js';
import type { Call } from '../command.js';
import type { Context } from '../context.js';
import { change } from './inspect/change.js';
import { type Holders, readHolders } from './inspect/holders.js';
import { idOf, matcherOf, tooMany, unknownAction } from './inspect/names.js';
import { requireLeave } from './inspect/permission.js';
import { Progress } from './inspect/progress.js';
import { table } from './inspect/rows.js';
import { openWhere, type Where } from './inspect/where.js';

const actions = ['tree', 'show', 'set'] as const;

export async function run(call: Call, context: Context): Promise<number> {
  const [action = 'tree', name, ...more] = call.args;
  if (!(actions as readonly string[]).includes(action)) throw unknownAction('clk', action, actions);
  const where = await openWhere(call);
  try {
    if (action === 'tree') {
      tooMany('clk tree', more);
      await tree(where, name, context);
    } else if (action === 'show') {
      tooMany('clk show', more);
      await show(where, idOf(tegra234.clocks, name), context);
    } else await set(where, idOf(tegra234.clocks, name), more, call, context);
    return 0;
  } finally {
    await where.close();
  }
}

async function tree(where: Where, glob: string | undefined, context: Context): Promise<void> {
  const progress = new Progress(context, `asking ${where.name} for its clocks`);
  const all = await readClocks(where.firmware, progress.show).finally(() => progress.end());
  const holders = await readHolders(where);
  const matches = matcherOf(glob);
  const found = withAncestors(all, ({ name }) => matches(name));
  if (context.json) {
    context.stdout.json(found.map((clock) => jsonOf(clock, holders)));
    return;
  }
  const rows = clockTree(found).map(({ clock, depth }) => [
    `${'  '.repeat(Math.min(depth, 20))}${clock.name}`,
    String(clock.id),
    onText(clock),
    clock.rateHz === undefined ? '?' : String(clock.rateHz),
    flagsText(clock),
    heldBy(clock, holders).join(' '),
    clock.problem ?? '',
  ]);
  const heading = ['CLOCK', 'ID', 'ON', 'RATE (Hz)', 'FLAGS', 'HELD BY', 'PROBLEM'];
  for (const line of table(heading, rows, [1, 3])) context.stdout.line(line);
}

async function show(where: Where, id: number, { stdout, json }: Context): Promise<void> {
  const clock = await need(where, id);
  const holders = await readHolders(where);
  if (json) return stdout.json(jsonOf(clock, holders));
  const name = (other: number) => `${tegra234.clocks.nameOf(other) ?? other} (${other})`;
  const hz = (rate: bigint | undefined) => (rate === undefined ? undefined : `${rate} Hz`);
  const held = heldBy(clock, holders);
  const lines: [string, string | undefined][] = [
    ['on', onText(clock)],
    ['rate', hz(clock.rateHz)],
    ['least rate', hz(clock.minHz)],
    ['largest rate', hz(clock.maxHz)],
    ['largest rate at the least voltage', hz(clock.fmaxAtVminHz)],
    ['parent', clock.parent === undefined ? undefined : name(clock.parent)],
    ['possible parents', clock.parents.length === 0 ? undefined : clock.parents.map(name).join(', ')],
    ['flags', clock.flags.join(', ') || undefined],
    ['held by', held.length === 0 ? undefined : `${held.join(', ')} (${held.length})`],
    ['problem', clock.problem],
  ];
  stdout.line(name(id));
  for (const [what, value] of lines) if (value !== undefined) stdout.line(`  ${what}: ${value}`);
}

async function set(
  where: Where,
  id: number,
  words: readonly string[],
  call: Call,
  { stdout, json }: Context,
): Promise<void> {
  const question = encodeRequest(changeOf(id, words), tegra234);
  const before = await need(where, id);
  await requireLeave(question, 'clock', where, call);
  await change(where, question);
  const after = await need(where, id);
  if (json) return stdout.json({ before, after });
  const text = (clock: ClockState) =>
    `${onText(clock)}, ${clock.rateHz ?? '?'} Hz${clock.parent === undefined ? '' : `, on ${tegra234.clocks.nameOf(clock.parent) ?? clock.parent}`}`;
  stdout.line(`${after.name}: ${text(before)} → ${text(after)}`);
}

/** One change at a time, so that half of several is never left. */
function changeOf(clock: number, words: readonly string[]) {
  const [word, ...more] = words;
  if (word === undefined || more.length > 0)
    throw new GpuvmError('GPUVM_USAGE', 'one change at a time: rate=1.3GHz, parent=NAME, on or off');
  if (word === 'on') return { mrq: 'CLK', command: 'ENABLE', fields: { clock } };
  if (word === 'off') return { mrq: 'CLK', command: 'DISABLE', fields: { clock } };
  const [key, value = ''] = word.split('=', 2);
  if (key === 'parent')
    return { mrq: 'CLK', command: 'SET_PARENT', fields: { clock, parent: idOf(tegra234.clocks, value) } };
  const rateHz = key === 'rate' ? parseQuantity(value, 'Hz') : undefined;
  if (rateHz === undefined || rateHz < 0)
    throw new GpuvmError(
      'GPUVM_USAGE',
      `${word} is no change of a clock: rate=1.3GHz, parent=NAME, on or off`,
    );
  return { mrq: 'CLK', command: 'SET_RATE', fields: { clock, rateHz } };
}

async function need(where: Where, id: number): Promise<ClockState> {
  const clock = await readClock(where.firmware, id);
  if (clock) return clock;
  const hidden = where.vm ? ', or its policy hides it' : '';
  throw new GpuvmError(
    'GPUVM_INSPECT',
    `${where.name} has no clock ${tegra234.clocks.nameOf(id) ?? id}${hidden}`,
  );
}

function onText({ enabled }: ClockState): string {
  return enabled === undefined ? '?' : enabled ? 'on' : 'off';
}

const letters: Readonly<Record<string, string>> = {
  HAS_MUX: 'mux',
  HAS_SET_RATE: 'rate',
  IS_ROOT: 'root',
  IS_VAR_ROOT: 'var-root',
  RATE_PARENT_CHANGE_DENIED: 'rate-fixed',
  STATE_CHANGE_DENIED: 'state-fixed',
};

function flagsText({ flags }: ClockState): string {
  return flags.map((flag) => letters[flag] ?? flag).join(',');
}

function heldBy({ id, name }: ClockState, holders: Holders): readonly string[] {
  return holders.get(`clock ${tegra234.clocks.nameOf(id) ?? name}`) ?? holders.get(`clock ${id}`) ?? [];
}

function jsonOf(clock: ClockState, holders: Holders) {
  return { ...clock, heldBy: heldBy(clock, holders) };
}
