import { afterAll, describe, expect, it } from 'vitest';
import type { TransferRecord } from '../../../src/bpmp/capture/index.js';
import { tegra234 } from '../../../src/bpmp/tegra234/index.js';
import { encodeReply, Mrq, parseRequestWords } from '../../../src/bpmp/wire/index.js';
import { Tshark } from './tshark.js';

const tshark = new Tshark();
afterAll(() => tshark.remove());

let sequence = 0;
function transfer(words: string, more: Partial<TransferRecord> = {}): TransferRecord {
  return {
    sequence: sequence++,
    vm: 'guest',
    timeNs: 1_700_000_000_000_000_000n + BigInt(sequence) * 1_000_000n,
    ...parseRequestWords(words.split(' '), tegra234),
    verdict: 'allow',
    rule: 'gpu.yaml:3 clocks.GPUSYS',
    ret: 0,
    rx: new Uint8Array(),
    latencyNs: 61_250,
    ...more,
  };
}

const rate = encodeReply({ mrq: 'CLK', command: 'SET_RATE', fields: { rateHz: 1_299_000_000 } }, tegra234).rx;
const transfers = [
  transfer('clk enable GPUSYS'),
  transfer('clk set-rate GPC0CLK 1.3GHz', { rx: rate }),
  transfer('clk disable GPUSYS', { verdict: 'deny', ret: -1, rule: 'built-in: shared roots' }),
  transfer('clk is-enabled UARTA', { verdict: 'deny', ret: -1, hidden: true }),
  transfer('pg set-state GPU on', { verdict: 'absorb' }),
  transfer('reset assert GPU', { verdict: 'allow', ret: -22 }),
  transfer('clk get-rate GPUSYS', { rx: new Uint8Array(3) }),
  transfer('ping 1', { mrq: 4444, verdict: 'malformed', ret: -22 }),
  transfer('ping 1', { mrq: Mrq.CLK, tx: new Uint8Array(2), verdict: 'malformed', ret: -22 }),
  transfer('clk disable GPUSYS', { vm: 'another' }),
];
const path = tshark.capture('few.pcapng', transfers);

describe('tshark', () => {
  it('has a word in every column', async () => {
    const { stdout } = await tshark.run([
      '-r',
      path,
      '-t',
      'r',
      '-T',
      'fields',
      ...['source', 'destination', 'protocol', 'info'].flatMap((column) => [
        '-e',
        `_ws.col.${column.replace(/^./, (c) => c.toUpperCase())}`,
      ]),
    ]);
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split('\t')),
    ).toEqual([
      ['guest', 'BPMP', 'BPMP', 'CLK ENABLE GPUSYS (304): allow, 0'],
      ['guest', 'BPMP', 'BPMP', 'CLK SET_RATE GPC0CLK 1.3 GHz: allow, 0'],
      ['guest', 'BPMP', 'BPMP', 'CLK DISABLE GPUSYS (304): deny, -1 (EPERM)'],
      ['guest', 'BPMP', 'BPMP', 'CLK IS_ENABLED UARTA (155): deny, -1 (EPERM)'],
      ['guest', 'BPMP', 'BPMP', 'PG SET_STATE GPU ON: absorb, 0'],
      ['guest', 'BPMP', 'BPMP', expect.stringMatching(/^RESET ASSERT GPU \(\d+\): allow, -22 \(EINVAL\)$/)],
      ['guest', 'BPMP', 'BPMP', 'CLK GET_RATE GPUSYS (304): allow, 0'],
      ['guest', 'BPMP', 'BPMP', 'MRQ 4444 (unknown), 4 bytes: malformed, -22 (EINVAL)'],
      [
        'guest',
        'BPMP',
        'BPMP',
        'CLK (malformed: needs 4 bytes for its command, got 2): malformed, -22 (EINVAL)',
      ],
      ['another', 'BPMP', 'BPMP', 'CLK DISABLE GPUSYS (304): allow, 0'],
    ]);
  });

  it('shows record, request, decision and reply, with names after numbers and units', async () => {
    const { stdout } = await tshark.run(['-r', path, '-Y', 'frame.number == 2', '-V']);
    const tree = stdout.slice(stdout.indexOf('BPMP request'));
    expect(tree).toMatch(/^BPMP request, CLK SET_RATE GPC0CLK 1\.3 GHz: allow$/m);
    for (const line of [
      ' {4}Record of guest',
      ' {4}Request: CLK SET_RATE GPC0CLK 1\\.3 GHz',
      ' {8}MRQ: 22 \\(CLK\\)',
      ' {8}Command: 2 \\(SET_RATE\\)',
      ' {8}Clock: 41 \\(GPC0CLK\\)',
      ' {12}\\[Clock name: GPC0CLK\\]',
      ' {8}Rate: 1300000000 \\(1\\.3 GHz\\)',
      ' {4}Decision: allow, gpu\\.yaml:3 clocks\\.GPUSYS',
      ' {4}Reply: 0',
      ' {8}Rate: 1299000000 \\(1\\.299 GHz\\)',
      ' {8}\\[Response time: (0\\.000061250 seconds|61\\.250 microseconds)\\]',
    ])
      expect(tree).toMatch(new RegExp(`^${line}$`, 'm'));
  });

  it.each([
    ['denied', 'Warning', [3]],
    ['hidden', 'Chat', [4]],
    ['absorbed', 'Note', [5]],
    ['refused', 'Note', [6]],
    ['malformed_reply', 'Warning', [7]],
    ['unknown', 'Note', [8]],
    ['malformed', 'Error', [8, 9]],
  ])('tells of what is %s, as a %s', async (name, severity, frames) => {
    const words = ['-r', path, '-Y', `bpmp.expert.${name}`];
    const { stdout } = await tshark.run([...words, '-T', 'fields', '-e', 'frame.number']);
    expect(stdout.trim().split('\n').map(Number)).toEqual(frames);
    const { stdout: tree } = await tshark.run([...words, '-V']);
    expect(tree).toContain(`[Severity level: ${severity}]`);
  });

  it('links a transfer to those before and after it on the same resource of the same VM', async () => {
    const { packets } = await tshark.fields(path, ['frame.number', 'bpmp.previous', 'bpmp.next'], ['-2']);
    const links = packets.map((packet) => [packet['bpmp.previous']?.[0], packet['bpmp.next']?.[0]]);
    const none = [undefined, undefined];
    expect(links).toEqual([
      [undefined, '3'],
      none,
      ['1', '7'],
      none,
      none,
      none,
      ['3', undefined],
      none,
      none,
      none,
    ]);
    const { packets: once } = await tshark.fields(path, ['bpmp.previous', 'bpmp.next']);
    expect(once.map((packet) => packet['bpmp.previous']?.[0])).toEqual(links.map(([before]) => before));
  });

  it('reads a capture as it comes, from a pipe', async () => {
    const { stdout } = await tshark.run(
      ['-r', '-', '-Y', 'bpmp.clk.name == "GPC0CLK"', '-T', 'fields', '-e', 'bpmp.time'],
      {
        input: path,
      },
    );
    expect(stdout.trim()).toBe('0.000061250');
  });
});
