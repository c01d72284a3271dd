import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SimulatedBpmp } from '../../../src/bpmp/backend/index.js';
import { Mediator } from '../../../src/bpmp/mediator/index.js';
import { parsePolicy } from '../../../src/bpmp/policy/index.js';
import { tegra234 } from '../../../src/bpmp/tegra234/index.js';
import { classify, newShape } from '../../../src/bpmp/wire/index.js';
import { run as clk } from '../../../src/cli/bpmp/clk.js';
import { run as debugfs } from '../../../src/cli/bpmp/debugfs.js';
import { run as pg } from '../../../src/cli/bpmp/pg.js';
import { run as reset } from '../../../src/cli/bpmp/reset.js';
import type { CommandModule } from '../../../src/cli/command.js';
import { FakeVm } from '../../control/fake-vm.js';
import { Sandbox } from '../../control/sandbox.js';
import { world } from '../world.js';

const folder = mkdtempSync(join(tmpdir(), 'gpuvm-inspect-'));
const policy = join(folder, 'policy.yaml');
const POLICY = `version: 1
view: full
clocks: { GPUSYS: use, GPC0CLK: { right: tune, maxRate: 1.3 GHz }, FUSE: shared }
resets: { GPU: use }
powerDomains: { GPU: use }
`;
writeFileSync(policy, POLICY);
afterAll(() => rmSync(folder, { recursive: true }));

async function call(
  run: CommandModule['run'],
  words: string,
  options: Record<string, unknown> = { simulated: true },
  json = false,
) {
  const surroundings = world('', { json });
  const args = words === '' ? [] : words.split(' ');
  const status = await run({ args, options }, surroundings.context);
  expect(status).toBe(0);
  return surroundings.stdout;
}

const leave = { simulated: true, force: true, policy };

describe('gpuvm bpmp clk', () => {
  it('shows the tree of those that match, with those above them', async () => {
    const lines = await call(clk, 'tree gpc0*');
    expect(lines.map((line) => line.trimEnd())).toEqual([
      'CLOCK          ID  ON   RATE (Hz)  FLAGS  HELD BY  PROBLEM',
      'OSC            91  on    38400000  root',
      '  NAFLL_GPC0  426  off  114750000  rate',
      '    GPC0CLK    41  off  114750000  rate',
    ]);
    const all = await call(clk, '');
    expect(all.length).toBeGreaterThan(300);
    const [first] = JSON.parse(
      (await call(clk, 'tree gpusys', { simulated: true }, true)).join(''),
    ) as object[];
    expect(first).toMatchObject({ id: expect.any(Number), rateHz: expect.any(String), heldBy: [] });
  });

  it('shows one, and names the nearest where there is none', async () => {
    expect(await call(clk, 'show gpc0clk')).toContain('  largest rate at the least voltage: 701250000 Hz');
    await expect(call(clk, 'show gpc0clkk')).rejects.toThrow('did you mean GPC0CLK?');
    await expect(call(clk, 'show 4000')).rejects.toThrow('a simulated BPMP has no clock 4000');
    await expect(call(clk, 'tre')).rejects.toThrow('did you mean tree?');
  });

  it('changes one with --force and the leave of a policy, and shows before and after', async () => {
    expect(await call(clk, 'set GPC0CLK rate=1.2GHz', leave)).toEqual([
      'GPC0CLK: off, 114750000 Hz, on NAFLL_GPC0 → off, 1198500000 Hz, on NAFLL_GPC0',
    ]);
    expect(await call(clk, 'set GPUSYS on', leave)).toEqual([
      expect.stringMatching(/^GPUSYS: off, .* → on, /),
    ]);
    expect(await call(clk, 'set GPUSYS parent=CLK_M', { ...leave, policy: tuning() })).toEqual([
      expect.stringMatching(/^GPUSYS: .*on NAFLL_GPUSYS → .*on CLK_M$/),
    ]);
  });

  it.each([
    ['set GPUSYS on', { simulated: true }, 'say --force'],
    ['set GPUSYS on', { simulated: true, force: true }, 'give --policy FILE'],
    ['set NVDEC on', leave, /NVDEC.* is refused by .*; to allow it, set clocks/],
    ['set GPC0CLK rate=1.4GHz', leave, 'policy.yaml:3'],
    ['set OSC off', leave, 'a root of the clock tree): say --shared'],
    ['set FUSE off', leave, /policy.yaml:3 clocks.FUSE\): say --shared/],
    ['set GPUSYS', leave, 'one change at a time'],
    ['set GPUSYS on off', leave, 'one change at a time'],
    ['set GPUSYS rate=fast', leave, 'is no change of a clock'],
    ['set GPUSYS rate=-1', leave, 'is no change of a clock'],
    ['tree', { simulated: true, vm: 'x' }, 'one BPMP at a time'],
    ['set GPUSYS on', { ...leave, policy: '/nowhere.yaml' }, '/nowhere.yaml cannot be read'],
  ])('%s with %o is refused', async (words, options, why) => {
    await expect(call(clk, words, options)).rejects.toThrow(why);
  });

  it('changes what is shared where that is said', async () => {
    expect(await call(clk, 'set FUSE off', { ...leave, shared: true })).toEqual([
      expect.stringMatching(/→ off, /),
    ]);
  });
});

describe('gpuvm bpmp pg and reset', () => {
  it('list and set', async () => {
    expect(await call(pg, 'list gp?')).toEqual(['DOMAIN  ID  STATE  HELD BY  PROBLEM', 'GPU     35  off']);
    expect(await call(pg, 'show GPU')).toHaveLength(2);
    expect(await call(pg, 'set GPU on', leave)).toEqual(['GPU: off → on']);
    await expect(call(pg, 'set GPU maybe', leave)).rejects.toThrow('on or off');
    await expect(call(pg, 'set DISP off', leave)).rejects.toThrow('refused by');
    expect(await call(reset, 'list gpu')).toEqual(['RESET  ID  HELD BY', 'GPU    19']);
    expect(await call(reset, 'set GPU assert', leave)).toEqual(['GPU: unknown → asserted']);
    await expect(call(reset, 'set UFSHC assert', leave)).rejects.toThrow('refused by');
    await expect(call(reset, 'set GPU toString', leave)).rejects.toThrow('assert, deassert');
  });
});

describe('gpuvm bpmp debugfs', () => {
  it('lists and reads', async () => {
    expect(await call(debugfs, '')).toContain('dr- clk/');
    expect(await call(debugfs, 'cat tag')).toEqual(['gpuvm-simulated-bpmp']);
    await expect(call(debugfs, 'cat')).rejects.toThrow('which file?');
    await expect(call(debugfs, 'cat /a/b')).rejects.toThrow('the firmware has no /a/b');
  });
});

describe('a BPMP through a running VM', () => {
  let sandbox: Sandbox;
  beforeEach(async () => {
    sandbox = new Sandbox();
    vi.stubEnv('GPUVM_RUNTIME_DIR', sandbox.folder);
    const vm = new FakeVm('orin');
    const compiled = parsePolicy(POLICY, { file: 'policy.yaml' }).compile();
    const mediator = new Mediator({ vm: 'orin', policy: compiled, backend: new SimulatedBpmp() });
    vm.bpmpRequest = async (mrq, tx) => {
      const rx = new Uint8Array(512);
      const { verdict, rule } = compiled.decide(classify(mrq, tx, newShape()), tx);
      const { ret, rxSize } = await mediator.handle(mrq, tx, rx);
      return { ret, rx: rx.subarray(0, rxSize), verdict, rule: rule.text };
    };
    vm.bpmp = async () => ({ ...mediator.snapshot(), backend: { kind: 'simulated' } }) as never;
    await sandbox.serve(vm);
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await sandbox.clear();
  });

  it('is asked and changed by its policy, and tells who holds what', async () => {
    expect(await call(clk, 'set GPUSYS on', { vm: 'orin', force: true })).toEqual([
      expect.stringMatching(/^GPUSYS: off, .* → on, /),
    ]);
    expect((await call(clk, 'tree gpusys', { vm: 'orin' })).at(-1)).toMatch(/^ +GPUSYS +304 +on .* orin$/);
    expect(await call(clk, 'show GPUSYS', { vm: 'orin' })).toContain('  held by: orin (1)');
    await call(pg, 'set GPU on', { vm: 'orin', force: true });
    expect((await call(pg, 'list gpu', { vm: 'orin' })).at(-1)).toMatch(/on +orin$/);
  });

  it('says what its policy refuses, and takes no other', async () => {
    await expect(call(clk, 'set NVDEC on', { vm: 'orin', force: true })).rejects.toThrow(
      "deny by orin's policy",
    );
    await expect(call(clk, 'set FUSE off', { vm: 'orin', force: true })).rejects.toThrow(
      "absorb by orin's policy",
    );
    await expect(call(clk, 'set GPUSYS on', { vm: 'orin', force: true, policy })).rejects.toThrow(
      'leave out --policy',
    );
    await expect(call(clk, 'show GPUSYS', { vm: 'oron' })).rejects.toThrow('did you mean orin?');
  });
});

function tuning(): string {
  const file = join(folder, 'tuning.yaml');
  expect(tegra234.clocks.idOf('CLK_M')).toBeDefined();
  writeFileSync(file, 'version: 1\nview: full\nclocks: { GPUSYS: tune }\n');
  return file;
}
