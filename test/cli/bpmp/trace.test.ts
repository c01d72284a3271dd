import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { TransferRecord } from '../../../src/bpmp/capture/index.js';
import { run } from '../../../src/cli/bpmp/trace.js';
import { Output } from '../../../src/cli/output.js';
import { world } from '../world.js';
import { captureOf, refusal, transfer } from './transfers.js';

async function trace(records: TransferRecord[], options: object = {}, { json = false } = {}) {
  const outside = world([captureOf(...records)], { json });
  const status = await run({ args: ['-'], options: { relative: true, ...options } }, outside.context);
  return { status, lines: outside.stdout, stderr: outside.stderr };
}

describe('gpuvm bpmp trace', () => {
  it('prints a line for each transfer, with the rule where it was refused', async () => {
    const { lines, stderr, status } = await trace([transfer(0), refusal(1)]);
    expect(lines).toEqual([
      '    0.000000 allow    CLK ENABLE GPUSYS (304) → 0  21.4 µs',
      '    0.001500 deny     CLK ENABLE GPUSYS (304) → -1 (EPERM)  21.4 µs  built-in: no rule grants it',
    ]);
    expect(stderr).toEqual([]);
    expect(status).toBe(0);
  });

  it('says what was answered where that is more than a code', async () => {
    const rx = new Uint8Array(8);
    new DataView(rx.buffer).setBigInt64(0, 1_300_000_000n, true);
    const [line] = (await trace([transfer(0, { tx: Uint8Array.of(0x30, 1, 0, 1), rx })])).lines;
    expect(line).toContain('CLK GET_RATE GPUSYS (304) → 1.3 GHz');
  });

  it('tells the time of day, since the first, or since the one before', async () => {
    const records = [transfer(0), transfer(1), transfer(3)];
    const times = async (options: object) =>
      (await trace(records, { relative: undefined, ...options })).lines.map(
        (line) => line.trim().split(' ')[0],
      );
    expect(await times({ relative: true })).toEqual(['0.000000', '0.001500', '0.004500']);
    expect(await times({ delta: true })).toEqual(['0.000000', '0.001500', '0.003000']);
    const [first] = await times({});
    const here = new Date(1_700_000_000_000);
    expect(first).toBe(
      `${[here.getHours(), here.getMinutes(), here.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':')}.000000`,
    );
    await expect(times({ relative: true, delta: true })).rejects.toMatchObject({ code: 'GPUVM_USAGE' });
  });

  it('names the VM once there is a second one', async () => {
    const { lines } = await trace([transfer(0), transfer(0, { vm: 'other' }), transfer(1)]);
    expect(lines[0]).not.toContain('orin');
    expect(lines[1]).toMatch(/0\.000000 other +allow/);
    expect(lines[2]).toMatch(/ orin +allow/);
  });

  it('shows only what matches, and no more or only the last so many', async () => {
    const records = Array.from({ length: 10 }, (_, n) => (n % 2 === 0 ? transfer(n) : refusal(n)));
    const sequences = async (options: object) =>
      (await trace(records, { fields: 'bpmp.sequence', ...options })).lines.map(Number);
    const filter = 'bpmp.verdict == "deny"';
    expect(await sequences({ filter })).toEqual([1, 3, 5, 7, 9]);
    expect(await sequences({ filter, count: '2' })).toEqual([1, 3]);
    expect(await sequences({ filter, last: '2' })).toEqual([7, 9]);
    expect(await sequences({ last: '100' })).toHaveLength(10);
    await expect(sequences({ count: '0' })).rejects.toMatchObject({ code: 'GPUVM_USAGE' });
    await expect(sequences({ filter: 'bpmp.verdit' })).rejects.toMatchObject({ code: 'GPUVM_FILTER' });
  });

  it('prints fields with tabs between, and commas between several values', async () => {
    const { lines } = await trace([transfer(0), refusal(1, { rule: 'a\tb' })], {
      fields: 'bpmp.clk.name,bpmp.ret.name,bpmp.time,bpmp.tx,bpmp.rule',
    });
    expect(lines).toEqual([
      'GPUSYS\t\t0.000021400\t30010007\tgpu.yaml:9: GPUSYS: use',
      'GPUSYS\tEPERM\t0.000021400\t30010007\ta\\tb',
    ]);
    await expect(trace([], { fields: 'bpmp.clk.nmae' })).rejects.toMatchObject({
      code: 'GPUVM_USAGE',
      message: expect.stringContaining('bpmp.clk.name'),
    });
  });

  it('prints documents with everything by name', async () => {
    const { lines } = await trace([refusal(1)], {}, { json: true });
    expect(JSON.parse(lines[0]!)).toMatchObject({
      time: '2023-11-14T22:13:20.001500000Z',
      timeNs: '1700000000001500000',
      verdict: 'deny',
      tx: '30010007',
      request: { command: { name: 'ENABLE' }, fields: { clock: { id: 304, name: 'GPUSYS' } } },
      reply: { ret: -1, error: 'EPERM' },
      fields: { 'bpmp.clk.name': ['GPUSYS'], 'bpmp.ret.name': ['EPERM'] },
    });
    const some = await trace([refusal(1)], { fields: 'bpmp.clk.id,bpmp.clk.rate_hz' }, { json: true });
    expect(some.lines).toEqual(['{"bpmp.clk.id":[304],"bpmp.clk.rate_hz":[]}']);
  });

  it('shows bytes with their offsets', async () => {
    const { lines } = await trace(
      [transfer(0, { tx: Uint8Array.from({ length: 18 }, (_, n) => 0x3a + n) })],
      { hex: true },
    );
    expect(lines.slice(1)).toEqual([
      '        tx 0000  3a 3b 3c 3d 3e 3f 40 41 42 43 44 45 46 47 48 49  :;<=>?@ABCDEFGHI',
      `        tx 0010  4a 4b${' '.repeat(43)} JK`,
    ]);
  });

  it('lets no text of a foreign capture reach the terminal as it is', async () => {
    const hostile = '\u001b[2J\u009b31m\r\n\u202e';
    const records = [refusal(0, { rule: hostile }), refusal(1, { vm: hostile, rule: hostile })];
    for (const options of [{}, { fields: 'bpmp.vm,bpmp.rule,bpmp.request' }]) {
      const { lines } = await trace(records, options);
      // Tabs stand between fields.
      expect(lines.join('').replaceAll('\t', '')).not.toMatch(/[\p{Cc}\u202e]/u);
      expect(lines).toHaveLength(2);
    }
    const { lines } = await trace(records, {}, { json: true });
    expect(JSON.parse(lines[1]!).vm).toBe(hostile);
    expect(lines.join('')).not.toMatch(/[\p{Cc}\u202e]/u);
  });

  it('colours verdicts where that is wanted', async () => {
    process.env.FORCE_COLOR = '1';
    try {
      expect((await trace([refusal(0)])).lines[0]).toContain('\u001b[31mdeny');
      process.env.NO_COLOR = '1';
      expect((await trace([refusal(0)])).lines[0]).not.toContain('\u001b');
    } finally {
      delete process.env.FORCE_COLOR;
      delete process.env.NO_COLOR;
    }
  });

  it('waits for its reader, and ends when that is gone', async () => {
    const records = Array.from({ length: 2000 }, (_, n) => transfer(n));
    let handed = 0;
    function* endless() {
      for (;;) {
        handed++;
        yield captureOf(...records);
      }
    }
    const slow = new PassThrough({ highWaterMark: 1024 });
    const { context } = world(endless());
    const tracing = run({ args: ['-'], options: {} }, { ...context, stdout: new Output(slow) });
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(handed).toBeLessThan(10);
    slow.destroy(Object.assign(new Error('gone'), { code: 'EPIPE' }));
    expect(await tracing).toBe(0);
  });

  it('refuses what belongs to a program where there is none, and a source beside one', async () => {
    await expect(trace([], { simulated: true })).rejects.toMatchObject({ code: 'GPUVM_USAGE' });
    const { context } = world();
    const both = run({ args: ['orin', 'ls'], rest: ['ls'], options: {} }, context);
    await expect(both).rejects.toMatchObject({ code: 'GPUVM_USAGE' });
  });
});
