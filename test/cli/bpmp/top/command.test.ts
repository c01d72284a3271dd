import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CaptureWriter } from '../../../../src/bpmp/capture/index.js';
import { run } from '../../../../src/cli/bpmp/top/command.js';
import { world } from '../../world.js';
import { sample } from './sample.js';

describe('gpuvm bpmp top without a terminal', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gpuvm-top-'));
  const capture = join(folder, 'gpu.pcapng');
  let bytes: Uint8Array;

  beforeAll(() => {
    const writer = new CaptureWriter();
    const blocks = sample({ count: 2000 }).map((record) => writer.add(record));
    bytes = Buffer.concat([writer.header(), ...blocks, writer.end()]);
    writeFileSync(capture, bytes);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('prints a page and ends', async () => {
    const here = world();
    expect(
      await run({ args: [capture], options: { policy: 'examples/policies/gpu.yaml' } }, here.context),
    ).toBe(0);
    expect(here.stdout[1]).toBe(' 2 000 requests   allow 1 840  absorb 81  deny 63  malformed 16');
    expect(here.stdout).toContain('  clocks: {EMC: use}');
    expect(here.stderr).toEqual([]);
    for (const line of here.stdout) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('reads standard input, filtered, as JSON', async () => {
    const here = world([bytes], { json: true });
    const options = { filter: 'bpmp.verdict == "deny" && bpmp.clk.name == "EMC"', json: true };
    expect(await run({ args: ['-'], options }, here.context)).toBe(0);
    const document = JSON.parse(here.stdout.join('\n'));
    expect(document).toMatchObject({
      source: { name: 'standard input', kind: 'file' },
      count: 44,
      verdicts: { deny: 44, allow: 0 },
      resources: [{ resource: 'clk EMC', count: 44 }],
      denials: [
        { request: 'CLK ENABLE EMC', verdict: 'deny', ret: -1, rule: 'built-in: not granted', count: 44 },
      ],
    });
  });

  it('tells of a cut capture on stderr, and shows what there is', async () => {
    writeFileSync(join(folder, 'cut.pcapng'), bytes.subarray(0, bytes.length / 2));
    const here = world();
    expect(await run({ args: [join(folder, 'cut.pcapng')], options: {} }, here.context)).toBe(0);
    expect(here.stderr).toHaveLength(1);
    expect(here.stdout[1]).toMatch(/^ \d[ \d]+ requests/);
  });

  it.each([
    [{ filter: 'bpmp.nonsense == 1' }, 'GPUVM_FILTER'],
    [{ interval: '0' }, 'GPUVM_USAGE'],
    [{ policy: '/nowhere.yaml' }, 'GPUVM_FILE'],
  ])('refuses %o', async (options, code) => {
    await expect(run({ args: [capture], options }, world().context)).rejects.toMatchObject({ code });
  });

  it('refuses a file that is no capture', async () => {
    writeFileSync(join(folder, 'no.pcapng'), 'a text that is no capture at all, whatever its name says');
    await expect(
      run({ args: [join(folder, 'no.pcapng')], options: {} }, world().context),
    ).rejects.toMatchObject({ code: 'GPUVM_INPUT' });
  });
});
