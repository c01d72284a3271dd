import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SimulatedBpmp } from '../../src/bpmp/backend/index.js';
import { readCapture, type TransferRecord } from '../../src/bpmp/capture/index.js';
import { loadPolicy } from '../../src/bpmp/policy/index.js';
import { Judge } from '../../src/bpmp/replay/index.js';
import { run as learn } from '../../src/cli/bpmp/learn.js';
import { run as replay } from '../../src/cli/bpmp/replay.js';
import type { CommandModule } from '../../src/cli/command.js';
import { world } from '../cli/world.js';
import { demoIsPrepared } from './demo-parts.js';
import { GpuvmProcess } from './gpuvm-process.js';

const checkout = fileURLToPath(new URL('../../', import.meta.url));
const example = join(checkout, 'examples/simulated-orin.yaml');
const policy = join(checkout, 'examples/policies/gpu.yaml');
/** What the demo's guest asks as a driver, and then as an attacker, before it looks at the result. */
const DRIVERS = 10;
const ATTACKERS = 6;

describe.skipIf(!demoIsPrepared())('the demo’s transfers (prepared by scripts/setup)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gpuvm-study-'));
  const capture = join(folder, 'demo.pcapng');
  const learned = join(folder, 'learned.yaml');
  let records: TransferRecord[];

  beforeAll(async () => {
    const demo = new GpuvmProcess('run', example, '--capture', capture);
    demo.child.stdin!.end();
    expect(await demo.ended).toBe(0);
    records = [];
    for await (const batch of readCapture(capture)) records.push(...batch);
  }, 90_000);
  afterAll(() => rmSync(folder, { recursive: true }));

  async function call(run: CommandModule['run'], options: object) {
    const around = world();
    const status = await run({ args: [capture], options: { ...options } }, around.context);
    return { status, stdout: around.stdout, stderr: around.stderr };
  }

  it('are recorded whole', () => {
    expect(records).toHaveLength(DRIVERS + ATTACKERS + 1);
    expect(records.slice(0, DRIVERS).every(({ verdict }) => verdict === 'allow')).toBe(true);
  });

  it('make a policy that passes the driver’s part and denies the attacker’s, with nothing superfluous', async () => {
    expect((await call(learn, { output: learned })).status).toBe(0);
    const text = readFileSync(learned, 'utf8');
    expect(await call(replay, { policy: learned })).toMatchObject({ status: 0, stdout: [] });
    const judge = await Judge.of(await loadPolicy(learned), new SimulatedBpmp());
    const now = records.map((record) => judge.judge(record).now.verdict);
    expect(now.slice(0, DRIVERS)).toEqual(Array(DRIVERS).fill('allow'));
    expect(now.slice(DRIVERS, -1).filter((verdict) => verdict === 'allow')).toEqual([]);
    const lines = text.split('\n');
    let tried = 0;
    for (const [at, line] of lines.entries()) {
      if (line.trim() === '' || line.startsWith('#')) continue;
      tried++;
      const less = join(folder, 'less.yaml');
      writeFileSync(less, lines.toSpliced(at, 1).join('\n'));
      const status = await call(replay, { policy: less }).then(
        (done) => done.status,
        (error: { code?: string }) => error.code,
      );
      expect({ line, status, text }).toEqual({
        line,
        status: expect.toSatisfy((is) => is === 1 || is === 'GPUVM_POLICY'),
        text,
      });
    }
    // The version, three sections, and a line for each of the driver's resources.
    expect(tried).toBeGreaterThanOrEqual(9);
  });

  it('are answered as in the demo by a model, with the demo’s policy and with the learned one', async () => {
    expect(await call(replay, { to: 'simulated', policy })).toMatchObject({ status: 0, stdout: [] });
    expect(await call(replay, { to: 'simulated', policy: learned })).toMatchObject({ status: 0, stdout: [] });
  });

  it('are answered as in the demo by another VM, through its own policy', async () => {
    const runtime = mkdtempSync(join(folder, 'runtime-'));
    const file = join(folder, 'vm.yaml');
    const shell = readFileSync(example, 'utf8')
      .replace('name: simulated-orin', 'name: other')
      .replace('rdinit=/init', 'rdinit=/init gpuvm.shell')
      .replace('policies/gpu.yaml', policy);
    writeFileSync(file, shell);
    const before = process.env.XDG_RUNTIME_DIR;
    process.env.XDG_RUNTIME_DIR = runtime;
    process.env.GPUVM_RUNTIME_DIR = runtime;
    const vm = new GpuvmProcess('run', file, '--json');
    try {
      let done = await eventually(() => call(replay, { to: 'other' }));
      expect(done).toMatchObject({ status: 0, stdout: [] });
      expect(done.stderr.at(-1)).toBe(
        'gpuvm: 17 of 17 requests sent to the VM other: 17 answered as then, 0 otherwise',
      );
      done = await call(replay, { to: 'other', speed: 'real', filter: 'bpmp.verdict == "allow"' });
      expect(done).toMatchObject({ status: 0 });
      vm.child.kill('SIGINT');
      vm.child.kill('SIGINT');
      await vm.ended;
      // What was changed that way is given back with the guest's.
      const { totals, release } = JSON.parse(vm.stdout);
      expect(totals).toMatchObject({ allow: 22, absorb: 1 });
      expect(release).toMatchObject({ failed: 0 });
      expect(release.givenBack).toBeGreaterThan(0);
    } finally {
      vm.child.kill('SIGKILL');
      delete process.env.GPUVM_RUNTIME_DIR;
      if (before === undefined) delete process.env.XDG_RUNTIME_DIR;
      else process.env.XDG_RUNTIME_DIR = before;
    }
  }, 90_000);
});

/** The VM is not there at once, and its bridge a little later. */
async function eventually<Result>(attempt: () => Promise<Result>): Promise<Result> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      const { code = '' } = error as { code?: string };
      const isEarly = ['GPUVM_VM_ABSENT', 'GPUVM_VM_STATE', 'GPUVM_CONTROL'].includes(code);
      if (!isEarly || performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}
