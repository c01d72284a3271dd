import { spawn, spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BusyVm } from '../../scripts/lib/screenshots/vm.js';
import { captureOf, refusal, transfer } from '../cli/bpmp/transfers.js';
import { demoIsPrepared } from './demo-parts.js';
import { GpuvmProcess } from './gpuvm-process.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const standin = join(root, 'build/Release/gpuvm-standin');
/** CLK SET_RATE of GPC0CLK to 1 GHz. */
const REQUEST = '290000020000000000ca9a3b00000000';
const COUNT = 500;
const asks = [standin, '--mrq', '22', '--payload', REQUEST, '--rx-size', '8', '--warm-up', '0', '--count'];

interface Ended {
  readonly status: number | null;
  readonly lines: string[];
  readonly stderr: string;
}

function gpuvm(words: readonly string[], input?: string, env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/cli/main.ts', ...words], {
    cwd: root,
    env: { ...process.env, ...env },
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  child.stdin.end(input);
  return new Promise((resolve) => {
    child.once('close', (status) => resolve({ status, lines: out.split('\n').slice(0, -1), stderr: err }));
  });
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gpuvm-trace-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('gpuvm bpmp trace -- PROGRAM', () => {
  it('prints what a program asks the device, forwards it, and writes it down', async () => {
    const file = join(folder, 'program.pcapng');
    const { status, lines, stderr } = await gpuvm([
      ...['bpmp', 'trace', '--simulated', '--capture', file, '--'],
      ...[...asks, String(COUNT)],
    ]);
    expect(status, stderr).toBe(0);
    expect(lines).toHaveLength(COUNT);
    for (const line of lines)
      expect(line).toMatch(/ allow {4}CLK SET_RATE GPC0CLK 1 GHz → 994\.5 MHz {2}[\d.]+ [µm]?s$/);
    // The program's own words are no data of ours.
    expect(stderr).toContain(`"transfers":${COUNT}`);

    const kept = await gpuvm([
      'bpmp',
      'trace',
      file,
      '--fields',
      'bpmp.sequence,bpmp.rule,bpmp.thread,bpmp.vm',
    ]);
    expect(kept.lines).toHaveLength(COUNT);
    const [, thread] = /\t(\d+)\t/.exec(kept.lines[0]!) ?? [];
    expect(Number(thread), 'the thread that asked, as the kernel told it').toBeGreaterThan(1);
    kept.lines.forEach((line, n) => {
      expect(line).toBe(`${n}\tnot policed\t${thread}\tgpuvm-standin`);
    });
  });

  it('refuses what a policy denies', async () => {
    const policy = join(folder, 'policy.yaml');
    writeFileSync(policy, 'version: 1\nchip: tegra234\nlimit: none\nclocks:\n  GPUSYS: use\n');
    const { lines, stderr } = await gpuvm([
      ...['bpmp', 'trace', '--simulated', '--policy', policy, '--fields', 'bpmp.verdict,bpmp.ret.name'],
      ...['--', ...asks, '3', '--no-verify'],
    ]);
    expect(lines, stderr).toEqual(Array(3).fill('deny\tEPERM'));
  });

  it("ends with the program's own status, also where it cannot be started", async () => {
    expect((await gpuvm(['bpmp', 'trace', '--simulated', '--', 'sh', '-c', 'exit 7'])).status).toBe(7);
    expect((await gpuvm(['bpmp', 'trace', '--simulated', '--', 'sh', '-c', 'kill -TERM $$'])).status).toBe(
      143,
    );
    const absent = await gpuvm(['bpmp', 'trace', '--simulated', '--', '/nonexistent']);
    expect(absent.status).toBe(127);
    expect(absent.stderr).toContain('/nonexistent');
  });

  it('starts no program where there is no device', async () => {
    const { status, lines, stderr } = await gpuvm([
      ...['bpmp', 'trace', '--device', join(folder, 'none'), '--', ...asks, '1'],
    ]);
    expect(stderr).toMatch(/^gpuvm: no .*none: .+\n$/);
    expect(lines).toEqual([]);
    expect(status).toBe(69);
  });

  it('is of use with any filter, and stops printing after so many', async () => {
    const { lines, status } = await gpuvm([
      ...['bpmp', 'trace', '--simulated', '--filter', 'bpmp.sequence > 5', '-c', '2', '--json', '--'],
      ...[...asks, '50'],
    ]);
    expect(status).toBe(0);
    expect(lines.map((line) => JSON.parse(line).sequence)).toEqual([6, 7]);
  });
});

describe('gpuvm bpmp trace --follow', () => {
  it('shows a growing capture as it grows, and ends at Ctrl-C with what it has counted', async () => {
    const file = join(folder, 'growing.pcapng');
    const bytes = captureOf(transfer(0), refusal(1), transfer(2));
    const cut = captureOf(transfer(0), refusal(1)).length + 10;
    writeFileSync(file, bytes.subarray(0, cut));
    const gpuvm = new GpuvmProcess('bpmp', 'trace', '-f', '--fields', 'bpmp.sequence', file);
    await gpuvm.waitFor('stdout', '1\n');
    expect(gpuvm.stdout).toBe('0\n1\n');
    appendFileSync(file, bytes.subarray(cut));
    await gpuvm.waitFor('stdout', '2\n');
    gpuvm.child.kill('SIGINT');
    expect(await gpuvm.ended).toBe(0);
    expect(gpuvm.stderr).toBe('gpuvm: 3 transfers: 2 allow, 1 deny\n');
  });

  it('ends quietly when nobody reads what it prints', () => {
    const file = join(folder, 'long.pcapng');
    writeFileSync(file, captureOf(...Array.from({ length: 20_000 }, (_, n) => transfer(n))));
    const script = `"$NODE" --import tsx src/cli/main.ts bpmp trace '${file}' | head -n 2; echo "\${PIPESTATUS[0]}"`;
    const env = { ...process.env, NODE: process.execPath };
    const ended = spawnSync('bash', ['-c', script], { cwd: root, env, encoding: 'utf8' });
    expect(ended.stderr).toBe('');
    expect(ended.stdout.split('\n')).toHaveLength(4);
    expect(ended.stdout).toMatch(/\n0\n$/);
  });
});

describe.skipIf(!demoIsPrepared())('gpuvm bpmp trace of a running VM', () => {
  let vm: BusyVm;
  beforeAll(async () => {
    vm = await BusyVm.start(mkdtempSync(join(folder, 'vm-')));
  }, 150_000);
  afterAll(() => vm?.stop());

  it('prints what its guest asked before, and then what it asks', async () => {
    const filter = ['--filter', 'bpmp.verdict == "deny" && bpmp.mrq.name == "CLK"'];
    const { status, lines } = await gpuvm(['bpmp', 'trace', vm.name, '-f', ...filter, '-c', '5'], '', vm.env);
    expect(status).toBe(0);
    expect(lines).toHaveLength(5);
    for (const line of lines)
      expect(line).toMatch(/ deny {5}CLK ENABLE #4400 → -1 \(EPERM\) .* built-in: unknown clock$/);
  });

  it('ends with what there is, where it does not follow', async () => {
    const { status, lines } = await gpuvm(['bpmp', 'trace', vm.name, '--json', '--last', '3'], '', vm.env);
    expect(status).toBe(0);
    const sequences = lines.map((line) => (JSON.parse(line) as { sequence: number }).sequence);
    expect(sequences).toEqual([sequences[0]!, sequences[0]! + 1, sequences[0]! + 2]);
  });
});
