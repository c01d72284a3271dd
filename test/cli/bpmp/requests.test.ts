import { describe, expect, it } from 'vitest';
import { run as decode } from '../../../src/cli/bpmp/decode.js';
import { run as send } from '../../../src/cli/bpmp/send.js';
import type { CommandModule } from '../../../src/cli/command.js';
import { world } from '../world.js';

async function call(
  run: CommandModule['run'],
  args: string[],
  options: Record<string, unknown>,
  json = false,
): Promise<{ status: number; stdout: string[] }> {
  const surroundings = world('', { json });
  const status = await run({ args, options }, surroundings.context);
  return { status, stdout: surroundings.stdout };
}

describe('gpuvm bpmp send', () => {
  const simulated = { simulated: true };

  it('sends a request by names and prints the reply by names', async () => {
    expect(await call(send, ['clk', 'enable', 'gpusys'], simulated)).toEqual({
      status: 0,
      stdout: ['CLK ENABLE GPUSYS (304): 0'],
    });
    const { stdout } = await call(send, ['clk', 'get-all-info', '304'], simulated);
    expect(stdout).toContain('  parents: [NAFLL_GPUSYS (428), PLLP_OUT0 (102), CLK_M (14)]');
  });

  it('sends raw bytes, and ends with 1 where the firmware refuses', async () => {
    expect(await call(send, ['22', '30010007'], { ...simulated, raw: true })).toMatchObject({ status: 0 });
    expect(await call(send, ['0x4242', '00'], { ...simulated, raw: true })).toEqual({
      status: 1,
      stdout: [expect.stringMatching(/^MRQ 16962 \(unknown\), 1 bytes: -\d+ \(E[A-Z]+\)$/)],
    });
  });

  it('prints request and reply as JSON', async () => {
    const { stdout } = await call(send, ['ping', '33'], simulated, true);
    expect(JSON.parse(stdout.join(''))).toMatchObject({
      request: { mrq: { name: 'PING' }, fields: { challenge: 33 } },
      reply: { status: 'ok', ret: 0, fields: { reply: 66 } },
    });
  });

  it.each([
    [['clk', 'enable', 'GPUSIS'], {}, 'GPUVM_REQUEST', 'unknown clock GPUSIS: did you mean GPUSYS?'],
    [['clk', 'enabel', 'GPUSYS'], {}, 'GPUVM_REQUEST', 'did you mean ENABLE?'],
    [[], {}, 'GPUVM_REQUEST', 'a request needs an MRQ'],
    [['22', '3'], { raw: true }, 'GPUVM_REQUEST', 'pairs of hexadecimal digits'],
    [['22', '30', '01'], { raw: true }, 'GPUVM_USAGE', '--raw takes an MRQ and the payload'],
    [['22', '00'.repeat(513)], { raw: true }, 'GPUVM_REQUEST', 'at most 512 bytes'],
  ])('refuses %j', async (words, options, code, message) => {
    await expect(call(send, words, { ...simulated, ...options })).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  });

  it('says that there is no device', async () => {
    await expect(call(send, ['ping', '1'], { device: '/dev/bpmp-nowhere' })).rejects.toMatchObject({
      code: 'GPUVM_HOST_DEVICE',
    });
  });
});

describe('gpuvm bpmp decode', () => {
  it('takes an MRQ by name and by number', async () => {
    for (const mrq of ['clk', 'MRQ_CLK', '22', '0x16']) {
      expect(await call(decode, ['0x30 01:00 07'], { mrq })).toEqual({
        status: 0,
        stdout: ['CLK ENABLE GPUSYS (304)'],
      });
    }
  });

  it('decodes a reply to it', async () => {
    const { stdout } = await call(decode, ['29000001'], { mrq: '22', reply: '8091b73600000000' });
    expect(stdout).toEqual(['CLK GET_RATE GPC0CLK (41)', 'reply: 0', '  rateHz: 918000000']);
    const refused = await call(decode, ['29000001'], { mrq: '22', reply: '', ret: '-22' });
    expect(refused.stdout[1]).toBe('reply: -22 (EINVAL)');
  });

  it('ends with 65 for what is malformed', async () => {
    expect(await call(decode, ['3001'], { mrq: 'clk' })).toMatchObject({ status: 65 });
  });

  it('prints JSON', async () => {
    const { stdout } = await call(decode, ['ff'], { mrq: '4294967295' }, true);
    expect(JSON.parse(stdout.join(''))).toMatchObject({ request: { status: 'unknown', bytes: 'ff' } });
  });
});
