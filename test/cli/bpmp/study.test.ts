import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TransferRecord } from '../../../src/bpmp/capture/index.js';
import { run as explain } from '../../../src/cli/bpmp/explain.js';
import { run as learn } from '../../../src/cli/bpmp/learn.js';
import { run as replay } from '../../../src/cli/bpmp/replay.js';
import type { CommandModule } from '../../../src/cli/command.js';
import { hostBlob } from '../../devicetree/fixtures/tegra234.js';
import { captureOf, recorded } from '../../support/recorded.js';
import { world } from '../world.js';

const folder = mkdtempSync(join(tmpdir(), 'gpuvm-study-'));
afterAll(() => rmSync(folder, { recursive: true }));
const place = (name: string) => join(folder, name);

const POLICY = `version: 1
clocks:
  GPUSYS: use
  GPC0CLK: { right: tune, maxRate: 2 GHz }   # fast
  NVDEC: tune
  FUSE: shared
resets: { GPU: use }
powerDomains: { GPU: use }
mrqs: { THERMAL: read }
`;
const REQUESTS = [
  'ping 7',
  'clk enable GPUSYS',
  'clk set-rate GPC0CLK 1.3GHz',
  'clk disable FUSE',
  'clk disable PLLP_OUT0',
  'reset deassert GPU',
  'pg set-state GPU on',
  'thermal get-temp 0',
  'clk enable VIC',
  'clk get-rate HOST1X',
  { mrq: 1, tx: Uint8Array.of(0, 0, 0, 0x80) },
  { mrq: 22, tx: new Uint8Array(2) },
];

let records: TransferRecord[];
beforeAll(async () => {
  records = await recorded(POLICY, REQUESTS);
  writeFileSync(place('vm.yaml'), POLICY);
  writeFileSync(place('vm.pcapng'), captureOf(records));
  writeFileSync(place('empty.pcapng'), captureOf([]));
  writeFileSync(place('host.dtb'), hostBlob());
});

async function call(run: CommandModule['run'], args: string[], options = {}, json = false) {
  const around = world('', { json });
  const status = await run({ args, options }, around.context);
  return { status, stdout: around.stdout, stderr: around.stderr };
}

const mistake = (run: CommandModule['run'], args: string[], options = {}) =>
  call(run, args, options).then(
    () => 'no mistake',
    (error: { code: string; message: string }) => `${error.code}: ${error.message.replaceAll(folder, '')}`,
  );

describe('gpuvm bpmp learn', () => {
  it('writes a policy with which replay finds nothing different, and something without any of its lines', async () => {
    const learned = place('learned.yaml');
    const { status, stdout, stderr } = await call(learn, [place('vm.pcapng')], {
      output: learned,
      hostTree: place('host.dtb'),
    });
    expect({ status, stdout }).toEqual({ status: 0, stdout: [] });
    expect(stderr).toEqual([
      `gpuvm: ${learned}: 6 lines for 12 requests; read it before you use it`,
      'gpuvm: 2 requests were denied by a policy that was enforced: --include-denied learns them too',
    ]);
    const text = readFileSync(learned, 'utf8');
    expect(text).toContain('  GPUSYS: use # 1× ENABLE; 16:00:00.001; gpu@17000000\n');
    expect((await call(replay, [place('vm.pcapng')], { policy: learned })).status).toBe(0);
    const lines = text.split('\n');
    for (const [at, line] of lines.entries()) {
      if (line.trim() === '' || line.startsWith('#')) continue;
      writeFileSync(place('less.yaml'), lines.toSpliced(at, 1).join('\n'));
      const status = await call(replay, [place('vm.pcapng')], { policy: place('less.yaml') }).then(
        (done) => done.status,
        (error: { code: string }) => error.code,
      );
      expect([line, status]).toEqual([line, expect.toSatisfy((is) => is === 1 || is === 'GPUVM_POLICY')]);
    }
  });

  it('shows what of the present policy it would change, and leaves its other lines as they are', async () => {
    const { status, stdout } = await call(learn, [place('vm.pcapng')], {
      policy: place('vm.yaml'),
      diff: true,
    });
    expect(status).toBe(1);
    expect(stdout.slice(2)).toEqual([
      '@@ -1,9 +1,8 @@',
      ' version: 1',
      ' clocks:',
      '   GPUSYS: use',
      '-  GPC0CLK: { right: tune, maxRate: 2 GHz }   # fast',
      '-  NVDEC: tune',
      '+  GPC0CLK: { right: tune, maxRate: 1.3 GHz } # 1× SET_RATE; 16:00:00.002',
      '   FUSE: shared',
      ' resets: { GPU: use }',
      ' powerDomains: { GPU: use }',
      '-mrqs: { THERMAL: read }',
      '+mrqs: { THERMAL: [ GET_TEMP ] }',
    ]);
    const same = place('same.yaml');
    await call(learn, [place('vm.pcapng')], { policy: place('vm.yaml'), output: same });
    expect(await call(learn, [place('vm.pcapng')], { policy: same, diff: true })).toMatchObject({
      status: 0,
      stdout: [],
    });
  });

  it('learns what was denied when it is told to, and only what the filter lets through', async () => {
    const options = { includeDenied: true, filter: 'bpmp.verdict == "deny"' };
    const { stdout } = await call(learn, [place('vm.pcapng')], options);
    expect(stdout.filter((line) => !line.startsWith('#'))).toEqual([
      'version: 1',
      '',
      'clocks:',
      '  VIC: use # 1× ENABLE; 16:00:00.008',
      '',
    ]);
    expect(stdout.at(-1)).toBe(
      '# 1× QUERY_TAG: its requests hold addresses at which the firmware reads or writes memory',
    );
    const { stdout: data } = await call(learn, [place('vm.pcapng')], {}, true);
    expect(JSON.parse(data[0]!)).toMatchObject({
      lines: 6,
      transfers: 12,
      denied: 2,
      hidden: 1,
      vms: ['orin'],
    });
  });

  it('refuses in one line what it cannot do', async () => {
    expect(await mistake(learn, [place('empty.pcapng')])).toBe('GPUVM_INPUT: /empty.pcapng has no transfer');
    expect(await mistake(learn, [place('vm.pcapng')], { filter: 'bpmp.mrq == 99' })).toBe(
      'GPUVM_INPUT: /vm.pcapng has no transfer that bpmp.mrq == 99 is true of',
    );
    expect(await mistake(learn, [place('vm.yaml.pcapng')])).toMatch(/^GPUVM_FILE: /);
    expect(await mistake(learn, ['./package.json'])).toMatch(/^GPUVM_INPUT: /);
    expect(await mistake(learn, [place('vm.pcapng')], { diff: true })).toBe(
      'GPUVM_USAGE: --diff compares with a policy: give it with --policy FILE',
    );
    expect(await mistake(learn, [place('vm.pcapng')], { output: '/no/where/x' })).toBe(
      'GPUVM_FILE: the policy cannot be written to /no/where/x: ENOENT',
    );
  });
});

describe('gpuvm bpmp replay', () => {
  const replayed = (options: object, json = false) => call(replay, [place('vm.pcapng')], options, json);

  it('asks a policy, and lists what it says otherwise', async () => {
    expect(await replayed({ policy: place('vm.yaml') })).toEqual({
      status: 0,
      stdout: [],
      stderr: [`gpuvm: ${place('vm.yaml')} says of 12 requests what was said then`],
    });
    writeFileSync(
      place('other.yaml'),
      POLICY.replace('FUSE: shared', 'FUSE: use').replace('NVDEC: tune', 'VIC: use'),
    );
    const { status, stdout } = await replayed({ policy: place('other.yaml') });
    expect(status).toBe(1);
    expect(stdout.map((line) => line.replaceAll(folder, ''))).toEqual([
      '#3 CLK DISABLE FUSE (40): absorb then by "vm.yaml:6 clocks.FUSE", allow now by "/other.yaml:6 clocks.FUSE"',
      '#8 CLK ENABLE VIC (167): deny then by "built-in: not granted", allow now by "/other.yaml:5 clocks.VIC"',
    ]);
    const { stdout: data } = await replayed({ policy: place('other.yaml') }, true);
    expect(data.map((line) => JSON.parse(line))).toMatchObject([
      { sequence: 3, before: { verdict: 'absorb' }, now: { verdict: 'allow' } },
      { sequence: 8 },
      { requests: 12, differing: 2, undecided: 0 },
    ]);
  });

  it('lists twenty and counts the others', async () => {
    const many = await recorded(
      POLICY,
      Array.from({ length: 30 }, () => 'clk enable GPUSYS'),
    );
    writeFileSync(place('many.pcapng'), captureOf(many));
    writeFileSync(place('none.yaml'), 'version: 1\n');
    const { status, stdout, stderr } = await call(replay, [place('many.pcapng')], {
      policy: place('none.yaml'),
    });
    expect({ status, lines: stdout.length, last: stdout.at(-1) }).toEqual({
      status: 1,
      lines: 21,
      last: '… and 10 more',
    });
    expect(stderr[0]).toContain('says something else of 30 of 30 requests');
  });

  it('sends it to the model again, behind the policy or as it was sent then', async () => {
    const behind = await replayed({ to: 'simulated', policy: place('vm.yaml') });
    expect(behind).toMatchObject({ status: 0, stdout: [] });
    expect(behind.stderr).toEqual([
      'gpuvm: the simulated BPMP: given back: 4, kept: 0, failed: 0',
      'gpuvm: 12 of 12 requests sent to the simulated BPMP: 12 answered as then, 0 otherwise',
    ]);
    const bare = await replayed({ to: 'simulated' });
    expect(bare).toMatchObject({ status: 0, stdout: [] });
    expect(bare.stderr).toEqual([
      'gpuvm: 6 of 12 requests sent to the simulated BPMP: 6 answered as then, 0 otherwise',
      'gpuvm: 2 not sent: answered in its place then',
      'gpuvm: 2 not sent: not sent to it then',
      'gpuvm: 1 not sent: it passes addresses',
      'gpuvm: 1 not sent: malformed',
    ]);
  });

  it('tells by field what is answered otherwise, and what may be', async () => {
    const changed = records.map((record) =>
      record.sequence === 0
        ? { ...record, rx: Uint8Array.of(1, 0, 0, 0) }
        : record.sequence === 7
          ? { ...record, rx: Uint8Array.of(1, 2, 3, 4) }
          : record.sequence === 5
            ? { ...record, ret: -22 }
            : record,
    );
    writeFileSync(place('changed.pcapng'), captureOf(changed));
    const again = (options: object) =>
      call(replay, [place('changed.pcapng')], { to: 'simulated', ...options });
    const { status, stdout, stderr } = await again({});
    expect(status).toBe(1);
    expect(stdout).toEqual([
      '#0 PING challenge=7: bpmp.ping.reply.reply was 1, is 14',
      '#5 RESET DEASSERT GPU (19): bpmp.ret was -22 (EINVAL), is 0',
    ]);
    expect(stderr.at(-1)).toMatch(/^gpuvm: 1 differ in bpmp\.thermal\.reply\.\w+, which may$/);
    expect((await again({ ignore: ['bpmp.ping.reply.reply', 'bpmp.ret'] })).status).toBe(0);
    expect((await again({ ignore: ['bpmp.ping.*'] })).stdout).toHaveLength(1);
    expect(
      await mistake(replay, [place('vm.pcapng')], { to: 'simulated', ignore: ['bpmp.ping.reply.repy'] }),
    ).toMatch(/^GPUVM_USAGE: --ignore: there is no field "bpmp.ping.reply.repy": did you mean /);
  });

  it('refuses in one line what it cannot do', async () => {
    expect(await mistake(replay, [place('vm.pcapng')])).toMatch(
      /^GPUVM_USAGE: what for\? Give --policy FILE/,
    );
    expect(await mistake(replay, [place('vm.pcapng')], { to: 'device' })).toMatch(
      /^GPUVM_USAGE: what a capture asks of \/dev\/bpmp-host happens to this host: give --policy FILE/,
    );
    expect(await mistake(replay, [place('vm.pcapng')], { to: 'device:/no/where', force: true })).toMatch(
      /^GPUVM_HOST_DEVICE: /,
    );
    expect(await mistake(replay, [place('vm.pcapng')], { to: 'no-such-vm' })).toMatch(/^GPUVM_VM_ABSENT: /);
    expect(await mistake(replay, [place('vm.pcapng')], { to: 'simulated', speed: 'fast' })).toBe(
      'GPUVM_USAGE: --speed is real or max, not "fast"',
    );
    expect(await mistake(replay, [place('empty.pcapng')], { policy: place('vm.yaml') })).toBe(
      'GPUVM_INPUT: /empty.pcapng has no transfer',
    );
    writeFileSync(place('broken.yaml'), 'version: 1\nclocks:\n  GPUSY: use\n');
    expect(await mistake(replay, [place('vm.pcapng')], { policy: place('broken.yaml') })).toMatch(
      /^GPUVM_POLICY: .*:3:3: unknown clock "GPUSY": did you mean "GPUSYS"\?$/,
    );
  });
});

describe('gpuvm bpmp explain', () => {
  const explained = (words: string, options = {}, json = false) =>
    call(
      explain,
      words.split(' '),
      { policy: place('vm.yaml'), hostTree: place('host.dtb'), ...options },
      json,
    );

  it('goes from the bytes to the line and to what that would mean', async () => {
    const { status, stdout } = await explained('clk enable VIC');
    expect(status).toBe(0);
    expect(stdout.map((line) => line.replaceAll(folder, ''))).toEqual([
      'CLK ENABLE VIC (167)',
      '',
      'bytes (4 of MRQ 22)',
      '  0000  a7 00 00                   clock = VIC (167)',
      '  0003  07                         command = ENABLE (7)',
      '',
      'resource: clock VIC (167); ENABLE takes "use"',
      '',
      'rules',
      '    no line of "clocks:" speaks of VIC',
      '  → built-in: not granted: made the decision',
      '',
      'verdict: deny by "built-in: not granted", answered -1 (EPERM)',
      '',
      'change: to allow it, set: clocks: {VIC: use}',
      '  --- /vm.yaml',
      '  +++ /vm.yaml',
      '  @@ -4,6 +4,7 @@',
      '     GPC0CLK: { right: tune, maxRate: 2 GHz }   # fast',
      '     NVDEC: tune',
      '     FUSE: shared',
      '  +  VIC: use',
      '   resets: { GPU: use }',
      '   powerDomains: { GPU: use }',
      '   mrqs: { THERMAL: read }',
      '',
      'allowed, the guest could switch VIC on and off',
      expect.stringMatching(/^ {2}hangs on: /),
      "  used by the host's: vic@15340000",
      '  WARNING: vic@15340000 uses it: unless that is passed through to this guest, give it as shared, or it will stop or run at another rate',
    ]);
  });

  it('warns of what the host would suffer', async () => {
    const root = (await explained('clk disable PLLP_OUT0')).stdout.join('\n');
    expect(root).toContain('→ built-in: shared roots');
    expect(root).toContain('change: no line has it carried out');
    expect(root).toContain('WARNING: the whole chip hangs on PLLP_OUT0');
    expect(root).toMatch(/WARNING: .* run on clocks below it/);
    const debug = (await explained('debug open-wo clk/gpusys/rate')).stdout.join('\n');
    expect(debug).toContain('WARNING: debug files reach every clock of the chip');
    const tag = (await explained('00000080', { mrq: '1' })).stdout.join('\n');
    expect(tag).toContain('change: no line can allow it');
  });

  it('sets a recorded decision beside what the policy says now', async () => {
    const denied = (await explained(`${place('vm.pcapng')}:8`)).stdout;
    expect(denied).toContain(
      'then: deny by "built-in: not granted", answered -1 (EPERM) (#8 of orin, 2025-11-24T16:00:00.008Z)',
    );
    expect(denied).toContain('now: the same');
    const other = (await explained(`${place('vm.pcapng')}#4`, { policy: place('other.yaml') })).stdout;
    expect(other).toContain('now: this policy says otherwise');
    const { stdout } = await explained(`${place('vm.pcapng')}:8`, {}, true);
    expect(JSON.parse(stdout[0]!)).toMatchObject({
      resource: { kind: 'clocks', id: 167, name: 'VIC' },
      verdict: 'deny',
      rules: [{ rule: null }, { rule: 'built-in: not granted', decides: true }],
      change: { fragment: 'clocks: {VIC: use}' },
      impact: { usedBy: ['vic@15340000'], isRoot: false },
      record: { sequence: 8, same: true },
    });
  });

  it('refuses in one line what it cannot find', async () => {
    const policy = place('vm.yaml');
    expect(await mistake(explain, [`${place('vm.pcapng')}:99`], { policy })).toBe(
      'GPUVM_INPUT: /vm.pcapng has no transfer 99: its sequences go from 0 to 11',
    );
    expect(await mistake(explain, [`${place('vm.pcapng')}#0`], { policy })).toBe(
      'GPUVM_INPUT: /vm.pcapng has no transfer #0: it has 12, counted from 1',
    );
    expect(await mistake(explain, [`${place('empty.pcapng')}:1`], { policy })).toBe(
      'GPUVM_INPUT: /empty.pcapng has no transfer',
    );
    expect(await mistake(explain, ['clk', 'enabel', 'VIC'], { policy })).toMatch(
      /^GPUVM_REQUEST: .*did you mean ENABLE\?$/,
    );
    expect(await mistake(explain, ['a7'], { policy, mrq: 'clock' })).toMatch(/^GPUVM_REQUEST: /);
  });
});
