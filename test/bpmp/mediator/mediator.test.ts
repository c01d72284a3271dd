import { describe, expect, it } from 'vitest';
import type { Backend, Outcome } from '../../../src/bpmp/backend/index.js';
import { type Fault, SimulatedBpmp } from '../../../src/bpmp/backend/index.js';
import { RING_SIZE, RingReader, TransferRing, transfersIn } from '../../../src/bpmp/capture/index.js';
import {
  type DenialEvent,
  Mediator,
  type MediatorOptions,
  parentsOf,
} from '../../../src/bpmp/mediator/index.js';
import { privateParents } from '../../../src/bpmp/mediator/private-parents.js';
import { parsePolicy } from '../../../src/bpmp/policy/index.js';
import { tegra234 } from '../../../src/bpmp/tegra234/index.js';
import { BpmpError, ClkCommand, Mrq, parseRequestWords } from '../../../src/bpmp/wire/index.js';

const POLICY = `version: 1
limit: none
clocks:
  GPUSYS: use
  GPC0CLK: {right: tune, maxRate: 1.4 GHz}
  FUSE: shared
resets: {GPU: use}
powerDomains: {GPU: use}
mrqs: {DEBUG: read}
`;

function setUp(options: Partial<MediatorOptions> & { text?: string; backend?: Backend } = {}) {
  const backend = options.backend ?? new SimulatedBpmp();
  const policy = parsePolicy(options.text ?? POLICY, { file: 'test.yaml' }).compile();
  const mediator = new Mediator({ vm: 'test', policy, backend, ...options });
  const ask = async (words: string, rxSize = 128) => {
    const { mrq, tx } = parseRequestWords(words.split(' '), tegra234);
    const rx = new Uint8Array(rxSize).fill(0xee);
    const outcome = await mediator.handle(mrq, tx, rx);
    return { ...outcome, rx };
  };
  return { backend, mediator, ask };
}

const u32 = (rx: Uint8Array, at = 0) => new DataView(rx.buffer).getUint32(at, true);
const s64 = (rx: Uint8Array) => new DataView(rx.buffer).getBigInt64(0, true);

/** A backend that keeps what reached it, and answers when told to. */
class Recorder implements Backend {
  readonly name = 'recorder';
  readonly seen: { mrq: number; tx: string }[] = [];
  readonly #inner = new SimulatedBpmp();
  readonly #answer: (outcome: Outcome) => Outcome | Promise<Outcome>;

  constructor(answer: (outcome: Outcome) => Outcome | Promise<Outcome> = (outcome) => outcome) {
    this.#answer = answer;
  }

  transfer(mrq: number, tx: Uint8Array, rx: Uint8Array): Outcome | Promise<Outcome> {
    this.seen.push({ mrq, tx: Buffer.from(tx).toString('hex') });
    return this.#answer(this.#inner.transfer(mrq, tx, rx) as Outcome);
  }

  close(): void {}
}

const later = (outcome: Outcome) =>
  new Promise<Outcome>((resolve) => {
    setTimeout(resolve, 1, outcome);
  });

describe('a decision is carried out', () => {
  it('allowed: the backend answers', async () => {
    const { ask } = setUp();
    expect(await ask('ping 21')).toMatchObject({ ret: 0, rxSize: 4 });
    expect(u32((await ask('ping 21')).rx)).toBe(42);
  });

  it('denied: -EPERM, nothing in the reply, nothing forwarded', async () => {
    const backend = new Recorder();
    const { ask } = setUp({ backend });
    const denied = await ask('clk enable NVDEC');
    expect(denied).toMatchObject({ ret: BpmpError.EPERM, rxSize: 0 });
    expect(denied.rx.every((byte) => byte === 0xee)).toBe(true);
    expect(backend.seen).toEqual([]);
  });

  it('malformed: -EINVAL', async () => {
    const { mediator } = setUp();
    expect(await mediator.handle(Mrq.CLK, new Uint8Array(2), new Uint8Array(8))).toEqual({
      ret: -22,
      rxSize: 0,
    });
    expect(mediator.malformed(Mrq.CLK, 'a tx size of 4294967295')).toEqual({ ret: -22, rxSize: 0 });
    expect(mediator.snapshot().totals.malformed).toBe(2);
  });

  it('absorbed: answered as done, with the present rate, and not done', async () => {
    const backend = new Recorder();
    const { ask } = setUp({ backend, text: POLICY.replace('use\n', 'shared\n') });
    const rate = s64((await ask('clk get-rate GPUSYS')).rx);
    backend.seen.length = 0;
    expect(await ask('clk disable GPUSYS')).toMatchObject({ ret: 0, rxSize: 0 });
    expect(backend.seen).toEqual([]);
    const set = await ask('clk set-rate GPUSYS 1MHz');
    expect(set).toMatchObject({ ret: 0, rxSize: 8 });
    expect(s64(set.rx)).toBe(rate);
    expect(backend.seen.map(({ tx }) => tx.slice(6, 8))).toEqual(['01']);
  });

  it('a backend that throws or rejects is -EIO for the guest', async () => {
    const failing = (fail: () => never | Promise<never>): Backend => ({
      name: 'x',
      transfer: fail,
      close() {},
    });
    const thrown = setUp({
      backend: failing(() => {
        throw new Error('defect');
      }),
    });
    expect(await thrown.ask('ping 1')).toMatchObject({ ret: BpmpError.EIO, rxSize: 0 });
    const rejected = setUp({ backend: failing(() => Promise.reject(new Error('defect'))) });
    expect(await rejected.ask('ping 1')).toMatchObject({ ret: BpmpError.EIO, rxSize: 0 });
  });
});

describe('the ledger', () => {
  it('gives everything back in the reverse order, with a report', async () => {
    const backend = new SimulatedBpmp();
    const before = backend.state();
    const { ask, mediator } = setUp({ backend });
    for (const words of [
      'pg set-state GPU on',
      'clk enable GPUSYS',
      'clk enable GPC0CLK',
      'clk set-rate GPC0CLK 1.2GHz',
      'reset deassert GPU',
    ]) {
      expect(await ask(words)).toMatchObject({ ret: 0 });
    }
    expect(mediator.snapshot().holdings.map(({ resource }) => resource)).toEqual([
      'power domain GPU',
      'clock GPUSYS',
      'clock GPC0CLK',
      'clock rate GPC0CLK',
      'reset GPU',
    ]);
    const report = await mediator.release();
    expect(report).toMatchObject({ givenBack: 5, kept: 0, failed: 0 });
    expect(report.entries.map(({ resource }) => resource)).toEqual([
      'reset GPU',
      'clock rate GPC0CLK',
      'clock GPC0CLK',
      'clock GPUSYS',
      'power domain GPU',
    ]);
    expect(backend.diff(before)).toEqual([]);
    expect(mediator.snapshot().holdings).toEqual([]);
  });

  it('gives it back at a reset too, and has what the guest asks next wait for that', async () => {
    const backend = new Recorder(later);
    const { ask, mediator } = setUp({ backend });
    await ask('pg set-state GPU on');
    await ask('clk enable GPUSYS');
    const report = mediator.guestReset();
    const order: string[] = [];
    void report.then(() => order.push('given back'));
    const next = ask('clk enable GPUSYS').then(() => order.push('asked'));
    expect(await report).toMatchObject({ givenBack: 2, failed: 0 });
    await next;
    expect(order).toEqual(['given back', 'asked']);
    expect(mediator.snapshot().holdings.map(({ resource }) => resource)).toEqual(['clock GPUSYS']);
    expect(mediator.snapshot().totals).toMatchObject({ allow: 3 });
  });

  it('holds nothing of what the guest put back itself', async () => {
    const { ask, mediator } = setUp();
    await ask('clk enable GPUSYS');
    await ask('clk disable GPUSYS');
    expect(mediator.snapshot().holdings).toEqual([]);
  });

  it('leaves a clock on that was on before', async () => {
    const backend = new SimulatedBpmp();
    const { mrq, tx } = parseRequestWords(['clk', 'enable', 'GPUSYS'], tegra234);
    backend.transfer(mrq, tx, new Uint8Array(8));
    const { ask, mediator } = setUp({ backend });
    await ask('clk enable GPUSYS');
    expect(await mediator.release()).toMatchObject({ givenBack: 0 });
  });

  it('keeps its account when the backend answers late', async () => {
    const backend = new Recorder(later);
    const { ask, mediator } = setUp({ backend });
    await ask('clk enable GPUSYS');
    await ask('clk set-rate GPC0CLK 900MHz');
    expect(mediator.snapshot().holdings).toHaveLength(2);
    expect(await mediator.release()).toMatchObject({ givenBack: 2 });
  });

  it('counts a request that was under way when the guest ended', async () => {
    const backend = new Recorder(later);
    const { ask, mediator } = setUp({ backend });
    const underWay = ask('clk enable GPUSYS');
    expect(await mediator.release()).toMatchObject({ givenBack: 1 });
    await underWay;
  });

  it('keeps what is shared as the guest left it', async () => {
    const { ask, mediator } = setUp({ text: `${POLICY}\n`.replace('GPUSYS: use', 'GPUSYS: shared') });
    await ask('clk enable GPUSYS');
    const { entries } = await mediator.release();
    expect(entries).toEqual([expect.objectContaining({ result: 'kept', reason: 'shared with the host' })]);
  });

  it('switches a parent off again on which nothing but the guest’s own clocks can hang', async () => {
    const backend = new SimulatedBpmp();
    const parsed = parsePolicy(POLICY, { file: 'test.yaml' });
    const clocks = await parentsOf(parsed.compile().grantedClocks, backend, tegra234.clocks.maxId);
    const policy = parsed.compile({ sharedParents: { clocks } });
    const before = backend.state();
    const mediator = new Mediator({ vm: 'test', policy, backend });
    for (const words of ['clk enable NAFLL_GPC0', 'clk enable GPC0CLK', 'clk disable NAFLL_GPC0']) {
      const { mrq, tx } = parseRequestWords(words.split(' '), tegra234);
      expect(await mediator.handle(mrq, tx, new Uint8Array(16))).toMatchObject({ ret: 0 });
    }
    expect(backend.diff(before).map(({ name }) => name)).toEqual(['GPC0CLK', 'NAFLL_GPC0']);
    const { entries } = await mediator.release();
    expect(entries.map(({ resource, result }) => `${resource} ${result}`)).toEqual([
      'clock GPC0CLK given-back',
      'clock NAFLL_GPC0 given-back',
    ]);
    expect(backend.diff(before)).toEqual([]);
  });

  it.each([
    'clocks: {GPC0CLK: {right: tune}, NAFLL_GPC0: shared}',
    'clocks: {GPC0CLK: shared, NAFLL_GPC0: read}',
  ])('leaves a parent on where a line says that it, or what hangs on it, is shared: %s', async (text) => {
    const backend = new SimulatedBpmp();
    const policy = parsePolicy(`version: 1\n${text}`, { file: 'test.yaml' }).compile({
      sharedParents: { clocks: [426] },
    });
    expect((await privateParents([426], policy, backend)).size).toBe(0);
  });

  it('takes no parent for private where the firmware cannot be asked', async () => {
    const fault = { mrq: Mrq.CLK, command: ClkCommand.GET_ALL_INFO, ret: BpmpError.ETIMEDOUT, times: 1 };
    const policy = parsePolicy(POLICY, { file: 'test.yaml' }).compile({ sharedParents: { clocks: [426] } });
    const ask = (faults: Fault[]) => privateParents([426], policy, new SimulatedBpmp({ faults }));
    expect([...(await ask([]))]).toEqual([426]);
    expect([...(await ask([fault]))]).toEqual([]);
  });

  it('takes back a thermal trip that the guest set, and knows one that it took back itself', async () => {
    const backend = new SimulatedBpmp();
    const before = backend.state();
    const { mediator, ask } = setUp({ backend, text: 'version: 1\nmrqs: {THERMAL: allow}' });
    for (const zone of [0, 1]) await ask(`thermal set-trip ${zone} 0 70000 1`);
    await ask('thermal set-trip 0 0 0 0');
    expect(backend.state().trips).toEqual([{ zone: 'gpu', low: 0, high: 70_000 }]);
    const { entries } = await mediator.release();
    expect(entries).toEqual([{ resource: 'thermal trip 1', from: 'set', to: 'none', result: 'given-back' }]);
    expect(backend.diff(before)).toEqual([]);
  });

  it('goes on after a step that hangs, and reports it', async () => {
    let hang = false;
    const backend = new Recorder((outcome) => (hang ? new Promise(() => {}) : outcome));
    const { ask, mediator } = setUp({ backend });
    await ask('clk enable GPUSYS');
    hang = true;
    const { entries } = await mediator.release(20);
    expect(entries).toEqual([
      expect.objectContaining({ result: 'failed', reason: 'no answer within 20 ms' }),
    ]);
  });
});

describe('debug files', () => {
  const open = async (ask: (words: string) => Promise<{ ret: number; rx: Uint8Array }>) =>
    u32((await ask('debug open-ro tag')).rx);

  it('are the guest’s own to read and close, and are closed for it', async () => {
    const { ask, mediator } = setUp();
    const fd = await open(ask);
    expect(await ask(`debug read ${fd}`)).toMatchObject({ ret: 0 });
    expect(mediator.snapshot().holdings).toHaveLength(1);
    expect(await mediator.release()).toMatchObject({ givenBack: 1 });
  });

  it('of somebody else do not exist', async () => {
    const backend = new SimulatedBpmp();
    const host = setUp({ backend });
    const fd = await open(host.ask);
    const guest = setUp({ backend });
    expect(await guest.ask(`debug read ${fd}`)).toMatchObject({ ret: BpmpError.EBADSLT, rxSize: 0 });
    expect(await guest.ask(`debug close ${fd}`)).toMatchObject({ ret: BpmpError.EBADSLT });
  });

  it('are few', async () => {
    const { ask } = setUp();
    const rets = [];
    for (let i = 0; i < 6; i++) rets.push((await ask('debug open-ro tag')).ret);
    expect(rets.slice(4)).toEqual([BpmpError.EBUSY, BpmpError.EBUSY]);
  });
});

describe('the filtered view', () => {
  it('lowers the largest ids to what the guest may see', async () => {
    const { ask } = setUp();
    expect(u32((await ask('clk get-max-clk-id')).rx)).toBe(304);
    expect(u32((await ask('pg get-max-id')).rx)).toBe(35);
  });

  it('says that a message family is not there where no request of it could pass', async () => {
    const { ask } = setUp();
    expect((await ask('query-abi CLK')).rx.slice(0, 4)).toEqual(new Uint8Array(4));
    expect(u32((await ask('query-abi BWMGR')).rx) | 0).toBe(BpmpError.ENODEV);
  });

  it('lists no parent that the guest cannot see, and with the parents asked for, all of them', async () => {
    const backend = new SimulatedBpmp();
    const parsed = parsePolicy(POLICY, { file: 'test.yaml' });
    const alone = parsed.compile();
    const clocks = await parentsOf(alone.grantedClocks, backend, alone.chip.clocks.maxId);
    const count = async (policy: typeof alone) => {
      const mediator = new Mediator({ vm: 'test', policy, backend });
      const { mrq, tx } = parseRequestWords(['clk', 'get-all-info', 'FUSE'], tegra234);
      const rx = new Uint8Array(120);
      await mediator.handle(mrq, tx, rx);
      return rx[72];
    };
    expect(await count(alone)).toBe(0);
    expect(await count(parsed.compile({ sharedParents: { clocks } }))).toBeGreaterThan(0);
  });

  it('shows what the device tree names without a grant: to be read, alone, and refused with the line to add', async () => {
    const denials: DenialEvent[] = [];
    const policy = parsePolicy('version: 1\nclocks: {VIC: none, FUSE: use}', { file: 'test.yaml' }).compile({
      named: { clocks: [41, 167], powerDomains: [35] },
    });
    const { ask } = setUp({ policy, onDenial: (denial) => denials.push(denial) });
    const info = await ask('clk get-all-info GPC0CLK');
    expect({ ret: info.ret, parents: info.rx[72] }).toEqual({ ret: 0, parents: 0 });
    for (const words of ['clk get-rate GPC0CLK', 'clk is-enabled GPC0CLK', 'pg get-name GPU']) {
      expect(await ask(words)).toMatchObject({ ret: 0 });
    }
    expect(u32((await ask('clk get-max-clk-id')).rx)).toBe(41);
    expect(denials).toEqual([]);
    expect(await ask('clk enable GPC0CLK')).toMatchObject({ ret: BpmpError.EPERM });
    expect(await ask('pg set-state GPU on')).toMatchObject({ ret: BpmpError.EPERM });
    expect(denials.map(({ fix }) => fix)).toEqual(['clocks: {GPC0CLK: use}', 'powerDomains: {GPU: use}']);
    // A line that gives nothing is the policy's word.
    expect(await ask('clk get-all-info VIC')).toMatchObject({ ret: BpmpError.EPERM });
  });

  it('raises no event for a question about what is hidden', async () => {
    const denials: DenialEvent[] = [];
    const { ask } = setUp({ onDenial: (event) => denials.push(event) });
    expect(await ask('clk get-all-info NVDEC')).toMatchObject({ ret: BpmpError.EPERM });
    expect(denials).toEqual([]);
  });
});

describe('the rate limit', () => {
  const limited = (exceeded: string) =>
    POLICY.replace('limit: none', `limit: {perSecond: 1000, burst: 2, exceeded: ${exceeded}}`);

  it('refuses with -EAGAIN where it says deny', async () => {
    const { ask, mediator } = setUp({ text: limited('deny'), nowMs: () => 0 });
    const rets = [];
    for (let i = 0; i < 4; i++) rets.push((await ask('ping 1')).ret);
    expect(rets).toEqual([0, 0, BpmpError.EAGAIN, BpmpError.EAGAIN]);
    expect(mediator.snapshot().refused).toBe(2);
  });

  it('makes the guest wait where it says delay', async () => {
    const { ask, mediator } = setUp({ text: limited('delay') });
    const started = performance.now();
    for (let i = 0; i < 22; i++) expect(await ask('ping 1')).toMatchObject({ ret: 0 });
    expect(performance.now() - started).toBeGreaterThanOrEqual(18);
    expect(mediator.snapshot().delayed).toBeGreaterThan(0);
  });

  it('lets no more wait than a second’s worth', async () => {
    const { mediator } = setUp({ text: limited('delay'), nowMs: () => 0 });
    const tx = new Uint8Array(4);
    const all = Array.from({ length: 1200 }, () => mediator.handle(Mrq.PING, tx, new Uint8Array(4)));
    expect(all.filter((outcome) => outcome instanceof Promise).length).toBeLessThanOrEqual(1000);
    expect(mediator.snapshot().refused).toBeGreaterThanOrEqual(198);
  });
});

describe('modes other than enforce', () => {
  it('audit forwards what only reads and absorbs the rest', async () => {
    const backend = new Recorder();
    const { ask, mediator } = setUp({ backend, text: `mode: audit\n${POLICY}` });
    expect(await ask('clk get-rate NVDEC')).toMatchObject({ ret: 0, rxSize: 8 });
    expect(backend.seen).toHaveLength(1);
    expect(await ask('clk enable NVDEC')).toMatchObject({ ret: 0, rxSize: 0 });
    expect(await ask('debug open-wo tag')).toMatchObject({ ret: BpmpError.EPERM });
    expect(backend.seen).toHaveLength(1);
    expect(mediator.snapshot().totals.deny).toBe(3);
  });

  it('learn shows the learner what was denied', async () => {
    const policy = parsePolicy(`mode: learn\n${POLICY}`, { file: 'test.yaml' });
    const learner = policy.learner();
    const { ask } = setUp({ text: `mode: learn\n${POLICY}`, learner });
    await ask('clk enable NVDEC');
    await ask('clk enable GPUSYS');
    const learned = parsePolicy(learner.text(), { file: 'learned.yaml' }).compile();
    expect(learned.mode).toBe('enforce');
    expect(learned.grantedClocks).toContain(tegra234.clocks.idOf('NVDEC'));
  });
});

describe('what is told', () => {
  it('a record of each transfer, with bytes of its own', async () => {
    const memory = new ArrayBuffer(RING_SIZE);
    const { mediator } = setUp({ ring: new TransferRing(memory) });
    const tx = Uint8Array.of(1, 0, 0, 0);
    const before = Date.now();
    await mediator.handle(Mrq.PING, tx, new Uint8Array(6), 4711);
    mediator.malformed(3, 'too long', 4711);
    tx.fill(9);
    const records = transfersIn(new RingReader(memory).read()!.blocks);
    expect(Math.abs(Number(records[0]!.timeNs / 1_000_000n) - before)).toBeLessThan(2000);
    expect(records).toEqual([
      expect.objectContaining({
        sequence: 0,
        vm: 'test',
        mrq: 0,
        tx: Uint8Array.of(1, 0, 0, 0),
        verdict: 'allow',
        ret: 0,
        rx: Uint8Array.of(2, 0, 0, 0),
        thread: 4711,
      }),
      expect.objectContaining({
        sequence: 1,
        mrq: 3,
        tx: new Uint8Array(0),
        verdict: 'malformed',
        ret: -22,
        rule: 'built-in: malformed, too long',
      }),
    ]);
  });

  it('refusals with the line that would allow them, no more than a person can read', async () => {
    const denials: DenialEvent[] = [];
    const { ask } = setUp({ onDenial: (event) => denials.push(event), nowMs: () => 0 });
    for (let i = 0; i < 500; i++) await ask('clk enable NVDEC');
    expect(denials.length).toBeLessThanOrEqual(50);
    expect(denials[0]).toMatchObject({ verdict: 'deny', ret: -1, fix: 'clocks: {NVDEC: use}' });
  });

  it('counters and latencies by MRQ and verdict', async () => {
    const { ask, mediator } = setUp();
    await ask('ping 1');
    await ask('clk enable NVDEC');
    const { rows, totals } = mediator.snapshot();
    expect(totals).toMatchObject({ allow: 1, deny: 1 });
    expect(rows.map(({ mrq, verdict, latency }) => [mrq, verdict, latency.count])).toEqual([
      [0, 'allow', 1],
      [22, 'deny', 1],
    ]);
  });
});

describe('hostile requests', () => {
  it('a million at random: always an errno or a reply that fits', { timeout: 60_000 }, () => {
    const { mediator } = setUp({ text: `${POLICY}view: full\n` });
    let seed = 0x2545f491;
    const random = () => {
      seed ^= seed << 13;
      seed ^= seed >>> 17;
      seed ^= seed << 5;
      return seed >>> 0;
    };
    const tx = new Uint8Array(512);
    const rx = new Uint8Array(512);
    for (let i = 0; i < 1_000_000; i++) {
      const size = random() % 40;
      for (let at = 0; at < size; at++) tx[at] = random();
      const capacity = random() % 160;
      rx[capacity] = 0xa5;
      const mrq = i % 3 === 0 ? random() : random() % 100;
      const outcome = mediator.handle(mrq, tx.subarray(0, size), rx.subarray(0, capacity)) as Outcome;
      if (!(outcome.rxSize >= 0 && outcome.rxSize <= capacity) || rx[capacity] !== 0xa5 || outcome.ret > 0) {
        throw new Error(
          `mrq ${mrq}, tx ${Buffer.from(tx.subarray(0, size)).toString('hex')}: ${JSON.stringify(outcome)}`,
        );
      }
    }
    expect(mediator.snapshot().rows.length).toBeLessThan(400);
  });
});
