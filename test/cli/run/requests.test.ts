import { EventEmitter } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { BridgeEnded, BridgeHandle } from '../../../src/bpmp/worker/index.js';
import { Allowance } from '../../../src/cli/run/allowance.js';
import { BridgeView } from '../../../src/cli/run/bridge-view.js';
import { EventLog } from '../../../src/cli/run/event-log.js';
import { paintFor } from '../../../src/cli/run/paint.js';

const clk = (word: string) => Uint8Array.from(Buffer.from(word, 'hex'));
let sequence = 0;

function record(tx: string, verdict: string, ret: number, rule = 'policy.yaml:7 clocks.GPUSYS') {
  const timeNs = BigInt(Date.now()) * 1_000_000n;
  return {
    sequence: sequence++,
    vm: 'kite',
    timeNs,
    mrq: 22,
    tx: clk(tx),
    verdict,
    rule,
    ret,
    rx: clk(''),
    latencyNs: 900,
  };
}

function denial(tx: string, fix?: string, suppressed = 0) {
  return {
    vm: 'kite',
    mrq: 22,
    tx: clk(tx),
    verdict: 'deny',
    ret: -1,
    rule: 'built-in: not granted',
    fix,
    suppressed,
  };
}

const ended = {
  end: { reason: 'guest-gone' },
  release: {
    entries: [
      { resource: 'clock GPUSYS', from: 'on', to: 'off', result: 'given-back' },
      { resource: 'clock FUSE', from: 'on', to: 'on', result: 'kept', reason: 'shared with the host' },
    ],
    givenBack: 1,
    kept: 1,
    failed: 0,
  },
  snapshot: {
    totals: { allow: 2, deny: 1, absorb: 0, malformed: 0 },
    rows: [{ mrq: 22, verdict: 'allow', latency: { count: 2 } }],
  },
} as unknown as BridgeEnded;

function setUp(watch: boolean, log?: EventLog) {
  const bridge = Object.assign(new EventEmitter(), { ready: { notes: ['window at 0x10800b00'] } });
  const lines: string[] = [];
  const view = new BridgeView({
    watch,
    paint: paintFor(false),
    note: (line) => lines.push(line),
    record: (event, fields) => log?.write(event, fields),
  });
  view.follow(bridge as unknown as BridgeHandle);
  return { bridge, lines, view };
}

const enable = '30010007';
const foreign = '29000007';

describe('BridgeView', () => {
  it('shows each request with its verdict, and what would allow a refused one', () => {
    const { bridge, lines, view } = setUp(true);
    bridge.emit('denial', denial(foreign, 'clocks: {GPC0CLK: use}'));
    bridge.emit(
      'transfers',
      [record(enable, 'allow', 0), record(foreign, 'deny', -1, 'built-in: not granted')],
      0,
    );
    bridge.emit(
      'transfers',
      [record(enable, 'allow', 0), record('66000008', 'absorb', 0, 'built-in: shared roots')],
      3,
    );
    expect(lines).toEqual([
      'window at 0x10800b00',
      'allow    CLK ENABLE GPUSYS (304)',
      'deny     CLK ENABLE GPC0CLK (41) → -1 (EPERM)  built-in: not granted',
      '         to allow it, add to the policy: clocks: {GPC0CLK: use}',
      '         … 3 more not shown',
      'allow    CLK ENABLE GPUSYS (304)',
      'absorb   CLK DISABLE PLLP_OUT0 (102)  built-in: shared roots',
    ]);
    lines.length = 0;
    view.end(ended);
    expect(lines).toEqual([
      '   count  verdict   request                      answer',
      '       2  allow     CLK ENABLE GPUSYS (304)      0',
      '       1  deny      CLK ENABLE GPC0CLK (41)      -1 (EPERM)',
      '       1  absorb    CLK DISABLE PLLP_OUT0 (102)  0',
      '3 requests were too many to be named here; the counts below hold them',
      'requests: 2 allow, 1 deny, 0 absorb, 0 malformed',
      'the guest left 2 on: 1 given back, 1 kept, 0 failed',
      '  clock GPUSYS: on → off',
      '  clock FUSE: on, kept: shared with the host',
    ]);
  });

  it('counts questions about what the view hides, and does not name them', () => {
    const { bridge, lines, view } = setUp(true);
    const asked = ['29000007', '2a000007'].map((tx) => ({ ...record(tx, 'deny', -1), hidden: true }));
    bridge.emit('transfers', asked, 0);
    expect(lines).toHaveLength(1);
    view.end({ ...ended, snapshot: { ...ended.snapshot, hidden: 1 } });
    expect(view.rows).toEqual([{ request: 'what the view hides', verdict: 'deny', ret: -1, count: 2 }]);
    expect(lines).toContain(
      'requests: 2 allow, 1 deny (1 of them about what the view hides), 0 absorb, 0 malformed',
    );
  });

  it('shows only refusals where it does not watch', () => {
    const { bridge, lines, view } = setUp(false);
    bridge.emit('denial', denial(foreign, 'clocks: {GPC0CLK: use}', 4));
    expect(lines.slice(1)).toEqual([
      '         … 4 more not shown',
      'deny     CLK ENABLE GPC0CLK (41) → -1 (EPERM)  built-in: not granted',
      '         to allow it, add to the policy: clocks: {GPC0CLK: use}',
    ]);
    view.end(ended);
    expect(view.rows).toEqual([{ request: 'CLK', verdict: 'allow', count: 2 }]);
    expect(lines).not.toContain(expect.stringContaining('count  verdict'));
  });

  it('shows a flood up to its limit and counts the rest, but never hides a refusal behind it', () => {
    const { bridge, lines, view } = setUp(true);
    const flood = Array.from({ length: 5000 }, () => record(enable, 'allow', 0));
    bridge.emit('transfers', flood, 0);
    bridge.emit('transfers', [record(foreign, 'deny', -1)], 0);
    expect(lines).toHaveLength(503);
    expect(lines.at(-2)).toBe('         … 4500 more not shown');
    expect(lines.at(-1)).toMatch(/^deny /);
    view.end(ended);
    expect(view.rows[0]).toMatchObject({ request: 'CLK ENABLE GPUSYS (304)', count: 5000 });
  });

  it('keeps its table small, whatever the guest makes up', () => {
    const { bridge, view } = setUp(true);
    for (let id = 0; id < 3000; id++) {
      const tx = Buffer.alloc(4);
      tx.writeUInt32LE((7 << 24) | id);
      bridge.emit('transfers', [record(tx.toString('hex'), 'deny', -1)], 0);
    }
    view.end(ended);
    expect(view.rows).toHaveLength(1001);
    expect(view.rows.at(-1)).toMatchObject({ request: 'other requests', count: 2000 });
  });
});

describe('EventLog', () => {
  it('holds what happened, one JSON document a line', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gpuvm-log-'));
    const file = join(folder, 'events.ndjson');
    const log = await EventLog.open(file);
    const { bridge, view } = setUp(false, log);
    const before = Date.now();
    bridge.emit('transfers', [record(enable, 'allow', 0)], 2);
    bridge.emit('denial', denial(foreign, 'clocks: {GPC0CLK: use}'));
    view.end(ended);
    await log.close();
    const events = readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: string; time: string });
    rmSync(folder, { recursive: true });
    expect(events.map(({ event }) => event)).toEqual(['dropped', 'transfer', 'denial', 'requests']);
    expect(events[1]).toMatchObject({
      verdict: 'allow',
      ret: 0,
      text: 'CLK ENABLE GPUSYS (304)',
      request: { command: { name: 'ENABLE' }, fields: { clock: { id: 304, name: 'GPUSYS' } } },
      rule: 'policy.yaml:7 clocks.GPUSYS',
      mrq: 22,
      tx: enable,
      rx: '',
    });
    expect(Math.abs(Date.parse(events[1]!.time) - before)).toBeLessThan(5000);
    expect(events[2]).toMatchObject({
      rule: 'built-in: not granted',
      fix: 'clocks: {GPC0CLK: use}',
      tx: foreign,
    });
    expect(events[3]).toMatchObject({
      totals: { allow: 2 },
      rows: [{ request: 'CLK ENABLE GPUSYS (304)', count: 1 }],
    });
  });

  it('says where it cannot be written', async () => {
    await expect(EventLog.open('/nowhere/events')).rejects.toMatchObject({ code: 'GPUVM_FILE' });
  });
});

describe('Allowance', () => {
  it('gives so many a second, and counts the others', () => {
    let now = 0;
    const allowance = new Allowance(10, () => now);
    expect(Array.from({ length: 15 }, () => allowance.take()).filter(Boolean)).toHaveLength(10);
    expect(allowance.countSuppressed()).toBe(5);
    expect(allowance.countSuppressed()).toBe(0);
    now = 999;
    expect(allowance.take()).toBe(false);
    now = 1000;
    expect(Array.from({ length: 15 }, () => allowance.take()).filter(Boolean)).toHaveLength(10);
    expect(allowance.countSuppressed()).toBe(6);
  });
});
