import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tegra234 } from '../../src/bpmp/tegra234/index.js';
import { parseRequestWords } from '../../src/bpmp/wire/index.js';
import { type ControlClient, findVm } from '../../src/control/index.js';
import { catalogue } from '../../src/metrics/index.js';
import { GpuvmProcess } from './gpuvm-process.js';
import { hasProgram } from './programs.js';

const qemu = 'qemu-system-x86_64';
/** Debian's own, which has the client library beside it. */
const python = '/usr/bin/python3';
const hasParser = spawnSync(python, ['-c', 'import prometheus_client.openmetrics.parser']).status === 0;
if (!hasParser) console.warn('SKIPPED: needs python3-prometheus-client; run scripts/setup');

/** Reads an exposition with the reference parser; families with their samples, as JSON. */
const PARSE = `
import json, sys
if sys.argv[1] == 'openmetrics':
    from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
else:
    from prometheus_client.parser import text_string_to_metric_families as parse
print(json.dumps([
    {'name': family.name, 'type': family.type, 'help': family.documentation,
     'samples': [[sample.name, sample.labels, str(sample.value)] for sample in family.samples]}
    for family in parse(sys.stdin.read())
]))
`;

interface Parsed {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: readonly (readonly [name: string, labels: Record<string, string>, value: string])[];
}

function parse(text: string, format: 'prometheus' | 'openmetrics'): Promise<Parsed[]> {
  return new Promise((resolve, reject) => {
    const parser = execFile(
      python,
      ['-c', PARSE, format],
      { maxBuffer: 1 << 26, timeout: 60_000 },
      (error, stdout, stderr) =>
        error ? reject(new Error(`${stderr}\n${text}`)) : resolve(JSON.parse(stdout) as Parsed[]),
    );
    parser.stdin!.end(text);
  });
}

/** Waits for a port: it opens beside the VM's start, which does not wait for it. Asks nothing: an answer is kept for a moment. */
async function opened(port: number): Promise<void> {
  const start = performance.now();
  const isOpen = () =>
    new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true));
      socket.once('error', () => resolve(false)).once('connect', () => socket.destroy());
    });
  while (!(await isOpen())) {
    if (performance.now() - start > 10_000) throw new Error(`port ${port} is not served`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A port that was free a moment ago. */
function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

describe.skipIf(!hasProgram(qemu) || !hasParser)("a real VM's metrics", () => {
  const folder = mkdtempSync(join(tmpdir(), 'gpuvm-real-metrics-'));
  let vm: GpuvmProcess;
  let client: ControlClient;
  let url: string;

  beforeAll(async () => {
    process.env.GPUVM_RUNTIME_DIR = join(folder, 'run');
    const port = await freePort();
    url = `http://127.0.0.1:${port}/metrics`;
    writeFileSync(
      join(folder, 'policy.yaml'),
      'version: 1\nview: full\nclocks: { GPUSYS: use, GPC0CLK: tune }\nresets: { GPU: use }\n',
    );
    writeFileSync(
      join(folder, 'vm.yaml'),
      `name: measured
qemu: { binary: ${qemu} }
machine: none
bridge: { kind: interposed }
policy: policy.yaml
stop: { powerdown: 0s }
metrics: { listen: "127.0.0.1:${port}" }
`,
    );
    vm = new GpuvmProcess('run', join(folder, 'vm.yaml'), '--verbose');
    await vm.waitFor('stderr', 'state: running');
    client = await findVm('measured');
    await opened(port);
    const requests = [
      'clk enable GPUSYS',
      'clk set-rate GPC0CLK 1.3GHz',
      'clk enable NVDEC',
      'reset assert UFSHC',
    ].map((words) => parseRequestWords(words.split(' '), tegra234));
    let answers = 0;
    for await (const _ of client.bpmpRequests(requests)) answers++;
    expect(answers).toBe(4);
  });
  afterAll(async () => {
    delete process.env.GPUVM_RUNTIME_DIR;
    vm?.child.kill('SIGKILL');
    await vm?.ended;
    rmSync(folder, { recursive: true });
  });

  it('are what the reference parser reads, each family whole', async () => {
    const families = await parse(await (await fetch(url)).text(), 'prometheus');
    const byName = new Map(families.map((family) => [family.name, family]));
    const has = (name: string, labels: Record<string, string>, value: string) => {
      const all = families.flatMap(({ samples }) => samples).filter(([own]) => own === name);
      expect(all).toContainEqual([name, { vm: 'measured', ...labels }, value]);
    };
    has('gpuvm_bpmp_transfers_total', { mrq: 'CLK', verdict: 'allow' }, '2.0');
    has('gpuvm_bpmp_transfers_total', { mrq: 'CLK', verdict: 'deny' }, '1.0');
    has('gpuvm_bpmp_denials_total', { kind: 'clock', resource: 'NVDEC' }, '1.0');
    has('gpuvm_bpmp_denials_total', { kind: 'reset', resource: 'UFSHC' }, '1.0');
    has('gpuvm_bpmp_held', { kind: 'clock', resource: 'GPUSYS' }, '1.0');
    has('gpuvm_bpmp_up', {}, '1.0');
    has('gpuvm_vm_state', { state: 'running' }, '1.0');
    has('gpuvm_vm_state', { state: 'paused' }, '0.0');
    has('gpuvm_bpmp_transfer_duration_seconds_count', { mrq: 'CLK', verdict: 'allow' }, '2.0');
    has('gpuvm_bpmp_transfer_duration_seconds_bucket', { mrq: 'CLK', verdict: 'allow', le: '+Inf' }, '2.0');
    for (const { name, type, help } of Object.values(catalogue)) {
      // The parser names a counter without its ending.
      const family = byName.get(type === 'counter' ? name.replace(/_total$/, '') : name);
      expect([name, family?.type, family?.help]).toEqual([name, type, help]);
    }
    expect(families.length).toBe(Object.keys(catalogue).length);
    const [memory] = byName.get('gpuvm_qemu_resident_memory_bytes')!.samples;
    expect(Number(memory![2])).toBeGreaterThan(5e6);
    const [start] = byName.get('gpuvm_vm_start_time_seconds')!.samples;
    expect(Math.abs(Number(start![2]) - Date.now() / 1000)).toBeLessThan(120);
  });

  it('are what the OpenMetrics parser reads, as Prometheus asks for them', async () => {
    const accept = 'application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';
    const response = await fetch(url, { headers: { accept } });
    expect(response.headers.get('content-type')).toContain('application/openmetrics-text; version=1.0.0');
    const families = await parse(await response.text(), 'openmetrics');
    expect(families.length).toBe(Object.keys(catalogue).length);
    expect(families.find(({ name }) => name === 'gpuvm_bpmp_transfers')?.type).toBe('counter');
  });

  it('are the same on the control socket, and what GET /v1/bpmp says', async () => {
    const families = await parse(await client.metrics(), 'prometheus');
    const report = await client.bpmp();
    expect(report).toMatchObject({
      vm: 'measured',
      bridge: { kind: 'interposed' },
      backend: { kind: 'simulated' },
      policy: { mode: 'enforce', view: 'full' },
      totals: { allow: 2, deny: 2, absorb: 0, malformed: 0 },
      denials: [
        { kind: 'clock', resource: 'NVDEC', count: 1 },
        { kind: 'reset', resource: 'UFSHC', count: 1 },
      ],
      holdings: [{ resource: 'clock GPUSYS' }, { resource: 'clock rate GPC0CLK' }],
    });
    const denied = families.find(({ name }) => name === 'gpuvm_bpmp_denials')!.samples;
    expect(denied.map(([, { resource }, value]) => [resource, Number(value)])).toEqual(
      report.denials.map(({ resource, count }) => [resource, count]),
    );
  });

  it("have beside them the firmware's own state, with who holds it", async () => {
    const command = new GpuvmProcess('bpmp', 'clk', 'tree', 'gpusys', '--vm', 'measured', '--json');
    expect([await command.ended, command.stderr]).toEqual([0, '']);
    const clocks = JSON.parse(command.stdout) as { name: string; enabled: boolean; heldBy: string[] }[];
    expect(clocks.find(({ name }) => name === 'GPUSYS')).toMatchObject({
      enabled: true,
      heldBy: ['measured'],
    });
  });

  it('end with the VM', async () => {
    vm.child.kill('SIGINT');
    expect(await vm.ended).toBe(5);
    await expect(fetch(url)).rejects.toThrow();
  });
});
