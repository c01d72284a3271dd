import { expect, it } from 'vitest';
import { SimulatedBpmp } from '../../../src/bpmp/backend/index.js';
import { Mediator } from '../../../src/bpmp/mediator/index.js';
import { parsePolicy } from '../../../src/bpmp/policy/index.js';
import { tegra234 } from '../../../src/bpmp/tegra234/index.js';
import { parseRequestWords } from '../../../src/bpmp/wire/index.js';

/** A model as it begins; what it was asked is no part of the comparison. */
const untouched = new SimulatedBpmp().state();
const stateOf = (backend: SimulatedBpmp) => ({ ...backend.state(), requests: {} });

function setUp(text: string, parents: number[] = []) {
  const backend = new SimulatedBpmp();
  const sent: string[] = [];
  const transfer = backend.transfer.bind(backend);
  backend.transfer = (mrq, tx, rx) => {
    sent.push(`${mrq} ${Buffer.from(tx).toString('hex')}`);
    return transfer(mrq, tx, rx);
  };
  const policy = parsePolicy(text).compile({ sharedParents: { clocks: parents } });
  const mediator = new Mediator({ vm: 'test', policy, backend });
  /** What the guest got, and whether this very request reached the firmware. */
  const ask = async (words: string) => {
    const { mrq, tx } = parseRequestWords(words.split(' '), tegra234);
    sent.length = 0;
    const { ret } = await mediator.handle(mrq, tx, new Uint8Array(128));
    return { ret, forwarded: sent.includes(`${mrq} ${Buffer.from(tx).toString('hex')}`) };
  };
  return { backend, mediator, policy, ask };
}

const forward = (entries: string, more = '') =>
  `version: 1\nmode: learn\nlimit: none\nlearn: {forward: ${entries}}\n${more}`;
const DONE = { ret: 0, forwarded: true };
const ABSORBED = { ret: 0, forwarded: false };

it('forwards nothing that changes anything unless it is asked for', async () => {
  const { ask, backend } = setUp('version: 1\nmode: learn\nlimit: none\n');
  for (const words of [
    'clk enable VIC',
    'clk set-rate VIC 1GHz',
    'reset deassert VIC',
    'pg set-state VIC on',
  ])
    expect([words, await ask(words)]).toEqual([words, ABSORBED]);
  expect(stateOf(backend)).toEqual(untouched);
});

it('carries out what is named, and gives it back at the end', async () => {
  const { ask, backend, mediator } = setUp(
    forward('{clocks: [VIC, 304], resets: [VIC], powerDomains: [VIC]}'),
  );
  expect(await ask('clk enable VIC')).toEqual(DONE);
  expect(await ask('clk set-rate VIC 460800000')).toEqual(DONE);
  expect(await ask('clk enable GPUSYS')).toEqual(DONE);
  expect(await ask('reset deassert VIC')).toEqual(DONE);
  expect(await ask('pg set-state VIC on')).toEqual(DONE);
  expect(await ask('clk enable NVDEC')).toEqual(ABSORBED);
  expect(await ask('reset deassert NVDEC')).toEqual(ABSORBED);
  expect(stateOf(backend)).not.toEqual(untouched);
  expect(mediator.snapshot().holdings.length).toBeGreaterThanOrEqual(5);
  const release = await mediator.release();
  expect(release.failed).toBe(0);
  expect(stateOf(backend)).toEqual(untouched);
});

it('carries out nothing in another mode', async () => {
  for (const mode of ['enforce', 'audit']) {
    const { ask, policy } = setUp(forward('{clocks: [VIC]}').replace('mode: learn', `mode: ${mode}`));
    expect((await ask('clk enable VIC')).forwarded).toBe(false);
    expect(policy.warnings.map(({ message }) => message)).toEqual([`"learn" has no effect in mode ${mode}`]);
  }
});

it('reaches what is shared by its name alone, never by a range', async () => {
  const lines = 'clocks: {FUSE: shared, VIC: use}\n';
  // NAFLL_VIC and the like stand above VIC: told by whoever can ask a BPMP.
  const parents = [tegra234.clocks.idOf('PLLC4_MUXED')!];
  for (const range of ['"*"', '0-476', 'OSC..UTMIP_PLL', 'CLK_M..PLLREFE_VCOOUT']) {
    const { ask } = setUp(forward(`{clocks: [${range}]}`, lines), parents);
    for (const clock of ['OSC', 'CLK_M', 'PLLP_OUT0', 'FUSE', 'PLLC4_MUXED', 'NVDEC'])
      expect([range, clock, await ask(`clk disable ${clock}`)]).toEqual([range, clock, ABSORBED]);
  }
  const everything = setUp(forward('{clocks: ["*"]}', lines), parents);
  // What a line gives to the VM alone: raised from use to tune while learning.
  expect(await everything.ask('clk set-rate VIC 460800000')).toEqual(DONE);
  const named = setUp(forward('{clocks: [PLLP_OUT0, FUSE, PLLC4_MUXED]}', lines), parents);
  for (const clock of ['PLLP_OUT0', 'FUSE', 'PLLC4_MUXED'])
    expect([clock, (await named.ask(`clk disable ${clock}`)).forwarded]).toEqual([clock, true]);
  expect(named.policy.warnings.map(({ message }) => message)).toEqual([
    'PLLP_OUT0 is a shared root: while learning, what the guest does to it happens to the whole chip',
  ]);
  expect(everything.policy.warnings.map(({ message }) => message)).toEqual([
    '"*" reaches only what lines give to the VM alone: name a clock that is to be forwarded beyond that',
  ]);
});

it('never carries out what no line could allow', async () => {
  const { ask } = setUp(forward('{clocks: [VIC, GPUSYS], powerDomains: [GPU]}'));
  for (const words of [
    'clk set-rate VIC -5',
    'pg set-state GPU 2',
    'clk set-parent VIC 60000',
    'clk enable 4400',
  ])
    expect([words, (await ask(words)).forwarded]).toEqual([words, false]);
});

it('is not in the policy that was learned', () => {
  const text = `version: 1\nmode: learn\nlearn:\n  forward: # for a day\n    clocks: [VIC]\nclocks:\n  GPUSYS:   use   # as it was\n`;
  const learner = parsePolicy(text).learner();
  const { mrq, tx } = parseRequestWords(['clk', 'enable', 'VIC'], tegra234);
  learner.add(mrq, tx);
  expect(learner.text()).toBe(
    'version: 1\nmode: enforce\nclocks:\n  GPUSYS:   use   # as it was\n  VIC: use # learned: 1× ENABLE\n',
  );
});
