import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { mrqs } from '../../../src/bpmp/wire/index.js';
import { run } from '../../../src/cli/bpmp/decide.js';
import { world } from '../world.js';

const folder = mkdtempSync(join(tmpdir(), 'gpuvm-decide-'));
afterAll(() => rmSync(folder, { recursive: true }));
const policy = join(folder, 'policy.yaml');
writeFileSync(
  policy,
  'version: 1\nchip: tegra234\nview: filtered\nmode: enforce\nshared: absorb\nclocks:\n  GPUSYS: use\n',
);

type Answer = Record<string, unknown>;

async function decide(input: string | Iterable<string | Uint8Array>, ...args: string[]) {
  const surroundings = world(input);
  const status = await run({ args, options: { policy } }, surroundings.context);
  return {
    status,
    answers: surroundings.stdout.map((line) => JSON.parse(line) as Answer),
    stderr: surroundings.stderr,
  };
}

describe('gpuvm bpmp decide', () => {
  it('answers each request with verdict, return code, names, rule and fix', async () => {
    const { status, answers } = await decide(
      '{"mrq":22,"tx":"30010007"}\n{"mrq":22,"tx":"66000008"}\n\n{"mrq":"clk","tx":"29 00 00 07"}\n{"mrq":22,"tx":"3001"}',
    );
    expect(status).toBe(0);
    expect(answers).toEqual([
      {
        verdict: 'allow',
        ret: 0,
        request: {
          status: 'ok',
          mrq: { id: 22, name: 'CLK' },
          command: { id: 7, name: 'ENABLE' },
          fields: { clock: { id: 304, name: 'GPUSYS' } },
        },
        rule: `${policy}:7 clocks.GPUSYS`,
      },
      expect.objectContaining({ verdict: 'absorb', ret: 0, rule: 'built-in: shared roots' }),
      expect.objectContaining({ verdict: 'deny', ret: -1, fix: expect.stringContaining('GPC0CLK') }),
      expect.objectContaining({ verdict: 'malformed', ret: -22 }),
    ]);
    expect(answers[0]).not.toHaveProperty('fix');
  });

  it('answers a line that is no request with its error, goes on, and ends with 65', async () => {
    const lines = [
      'nope',
      '[]',
      '{"tx":"00"}',
      '{"mrq":22,"tx":"0"}',
      '{"mrq":22,"tx":3}',
      '{"mrq":4294967296}',
    ];
    const { status, answers, stderr } = await decide(
      [...lines, '{"mrq":"clkk"}', '{"mrq":22,"tx":"30010007"}'].join('\n'),
    );
    expect(status).toBe(65);
    expect(answers.map(({ error }) => error)).toEqual([
      expect.stringMatching(/^line 1: not JSON: /),
      'line 2: must be an object such as {"mrq":22,"tx":"30010007"}',
      'line 3: mrq must be a number or a name',
      'line 4: tx must be pairs of hexadecimal digits, not "0"',
      'line 5: tx must be hexadecimal digits',
      expect.stringMatching(/^line 6: "4294967296" is no MRQ/),
      'line 7: "clkk" is no MRQ: did you mean CLK?',
      undefined,
    ]);
    expect(answers[5]).toMatchObject({ line: 6 });
    expect(stderr).toEqual(['gpuvm: 7 lines are no request; each is answered with its error']);
  });

  it('takes its input in whatever pieces it comes, and from a file', async () => {
    const text = '{"mrq":22,"tx":"30010007"}\n'.repeat(3);
    for (const size of [1, 7, 27]) {
      const pieces = Array.from({ length: Math.ceil(text.length / size) }, (_, at) =>
        Buffer.from(text.slice(at * size, (at + 1) * size)),
      );
      expect((await decide(pieces)).answers).toHaveLength(3);
    }
    const file = join(folder, 'trace.ndjson');
    writeFileSync(file, text);
    expect((await decide('', file)).answers).toHaveLength(3);
    await expect(decide('', '/nowhere')).rejects.toMatchObject({ code: 'GPUVM_FILE' });
  });

  it('refuses a line without an end', async () => {
    await expect(decide(Array(20).fill('x'.repeat(100_000)))).rejects.toMatchObject({
      code: 'GPUVM_INPUT',
      message: expect.stringContaining('line 1 is longer than'),
    });
  });

  it('answers for every MRQ and command of the ABI', async () => {
    const requests = [...mrqs.values()].flatMap(({ number, commands }) =>
      commands.map((command) => {
        const tx = Buffer.alloc(512);
        if (number === 22) tx[3] = command.number;
        else tx.writeUInt32LE(command.number);
        return JSON.stringify({ mrq: number, tx: tx.toString('hex') });
      }),
    );
    const { status, answers } = await decide(requests.join('\n'));
    expect(status).toBe(0);
    expect(answers).toHaveLength(requests.length);
    for (const { verdict } of answers) expect(['allow', 'deny', 'absorb', 'malformed']).toContain(verdict);
  });

  it('answers for any bytes', async () => {
    const any = fc.record({
      mrq: fc.oneof(fc.nat(100), fc.nat({ max: 0x7fffffff })),
      tx: fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes).toString('hex')),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(any, { maxLength: 50 }), async (requests) => {
        const { status, answers } = await decide(
          requests.map((request) => JSON.stringify(request)).join('\n'),
        );
        expect(status).toBe(0);
        expect(answers).toHaveLength(requests.length);
      }),
      { numRuns: 20 },
    );
  });
});
