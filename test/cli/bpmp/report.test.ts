import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { CaptureWriter } from '../../../src/bpmp/capture/index.js';
import { run } from '../../../src/cli/bpmp/report.js';
import { workload } from '../../report/transfers.js';
import { world } from '../world.js';

const folder = mkdtempSync(join(tmpdir(), 'gpuvm-report-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const records = [...workload(3000)];
const writer = new CaptureWriter();
const bytes = Buffer.concat([writer.header(), ...records.map((record) => writer.add(record)), writer.end()]);
const capture = join(folder, 'gpu.pcapng');
writeFileSync(capture, bytes);
const output = join(folder, 'report.html');

interface Summary {
  readonly title: string;
  readonly transfers: number;
  readonly denials: readonly { readonly text: string; readonly fix?: string }[];
  readonly notices: readonly string[];
  readonly memoryMap?: string;
}

async function report(options: object, { args = [capture], input = [] as Uint8Array[], json = false } = {}) {
  const surroundings = world(input, { json });
  const status = await run({ args, options: { output, ...options } }, surroundings.context);
  const page = readFileSync(output, 'utf8');
  const summary = JSON.parse(/id="summary">(.*?)<\/script>/s.exec(page)![1]!) as Summary;
  return { status, page, summary, stderr: surroundings.stderr, stdout: surroundings.stdout };
}

describe('gpuvm bpmp report', () => {
  it('writes a page and tells its size', async () => {
    const { status, summary, stderr } = await report({ title: 'A hunt' });
    expect(status).toBe(0);
    expect(summary.title).toBe('A hunt');
    expect(summary.transfers).toBe(3000);
    expect(stderr).toEqual([expect.stringMatching(/report\.html: 3000 transfers, \d+ refused; 0\.\d MB$/)]);
  });

  it('reads standard input, and says of a cut capture on the page too that it is cut', async () => {
    const { summary, stderr } = await report({}, { args: ['-'], input: [bytes.subarray(0, -70)] });
    expect(summary.title).toBe('BPMP transfers of standard input');
    expect(summary.transfers).toBeGreaterThan(2990);
    expect(stderr[0]).toContain('standard input');
    expect(summary.notices).toHaveLength(1);
  });

  it('leaves out what the filter does not want', async () => {
    const { summary } = await report({ filter: 'bpmp.mrq.name == "RESET"' });
    expect(summary.transfers).toBe(records.filter(({ mrq }) => mrq === 20).length);
    await expect(report({ filter: 'bpmp.nonsense' })).rejects.toMatchObject({ code: 'GPUVM_FILTER' });
  });

  it('has the line that allows what was refused, and the memory map, of a VM file', async () => {
    const { summary } = await report({ vm: 'examples/simulated-orin.yaml' });
    expect(summary.memoryMap).toContain('<svg');
    const rate = summary.denials.find(({ text }) => text.startsWith('CLK SET_RATE NVENC'));
    expect(rate?.fix).toMatch(/^clocks: \{NVENC: tune/);
  });

  it('says what it left out beyond its limit', async () => {
    const { stderr, summary, stdout } = await report({ limit: '1000' }, { json: true });
    expect(summary.transfers).toBe(3000);
    expect(stderr[1]).toMatch(
      /of them are in it one by one: every 4th of the ordinary ones and all of the refused/,
    );
    expect(JSON.parse(stdout[0]!)).toMatchObject({ transfers: 3000, kept: { ordinary: 4, notable: 1 } });
    await expect(report({ limit: '7' })).rejects.toMatchObject({ code: 'GPUVM_USAGE' });
  });

  it('leaves nothing half done where it cannot write', async () => {
    await expect(
      run({ args: [capture], options: { output: join(folder, 'no/such/report.html') } }, world().context),
    ).rejects.toMatchObject({ code: 'GPUVM_FILE' });
  });
});
