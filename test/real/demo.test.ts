import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compare, readConsole, readEvents } from '../../scripts/lib/demo-accounts.js';
import { cacheFolder } from '../../src/config/index.js';
import { demoIsPrepared } from './demo-parts.js';
import { Tshark } from './dissector/tshark.js';

const checkout = fileURLToPath(new URL('../../', import.meta.url));
const example = join(checkout, 'examples/simulated-orin.yaml');

describe.skipIf(!demoIsPrepared())('the demo (prepared by scripts/setup)', () => {
  let place: string;
  beforeAll(() => {
    place = mkdtempSync(join(tmpdir(), 'gpuvm-demo-'));
  });
  afterAll(() => rmSync(place, { recursive: true }));

  /** Runs a VM file with the built program. */
  async function run(vmFile: string): Promise<{ console: string; events: string }> {
    const events = join(place, 'events');
    const { stdout } = await execa(
      process.execPath,
      ['dist/cli/main.cjs', 'run', vmFile, '--events', events],
      { cwd: checkout, timeout: 90_000, stdin: 'ignore' },
    );
    return { console: stdout, events: readFileSync(events, 'utf8') };
  }

  /** The example with a policy of its own, and other lines changed. */
  function variant(policy: string, change: (text: string) => string = (text) => text): string {
    writeFileSync(join(place, 'policy.yaml'), policy);
    const text = readFileSync(example, 'utf8').replace('policies/gpu.yaml', 'policy.yaml');
    const path = join(place, 'vm.yaml');
    writeFileSync(path, change(text));
    return path;
  }
  const policy = readFileSync(join(checkout, 'examples/policies/gpu.yaml'), 'utf8');

  it('is as expected on both sides, by its own script', async () => {
    const { stdout } = await execa(join(checkout, 'scripts/demo'), { timeout: 150_000, stdin: 'ignore' });
    expect(stdout).toContain('both accounts agree');
  });

  it('leaves a capture that Wireshark reads by its names', async () => {
    const tshark = new Tshark();
    try {
      const capture = join(cacheFolder(), 'demo.pcapng');
      const { stdout } = await tshark.run(['-r', capture]);
      const rows = stdout.trimEnd().split('\n');
      expect(rows).toHaveLength(17);
      const info = rows.map((row) => row.replace(/^.* BPMP +\d+ /, ''));
      expect(rows.every((row) => / simulated-orin → BPMP +BPMP /.test(row))).toBe(true);
      expect(info.slice(2, 12)).toEqual([
        'PG SET_STATE GPU ON: allow, 0',
        'PG GET_STATE GPU (35): allow, 0',
        'CLK ENABLE GPUSYS (304): allow, 0',
        'CLK ENABLE GPC0CLK (41): allow, 0',
        'CLK ENABLE GPC1CLK (236): allow, 0',
        'CLK SET_RATE GPC0CLK 918 MHz: allow, 0',
        'CLK GET_RATE GPC0CLK (41): allow, 0',
        'RESET DEASSERT GPU (19): allow, 0',
        'CLK DISABLE PLLP_OUT0 (102): absorb, 0',
        'DEBUG OPEN_WO "clk/pllp_out0/rate": deny, -1 (EPERM)',
      ]);
      const capinfos = await execa('capinfos', ['-M', '-T', '-c', '-o', capture]);
      expect(capinfos.stdout).toMatch(/\t17\tTrue$/m);
      const copy = tshark.path('copy.pcapng');
      await execa('editcap', [capture, copy]);
      expect((await tshark.run(['-r', copy])).stdout).toBe(stdout);
    } finally {
      tshark.remove();
    }
  });

  it('is as expected with every access trapped', async () => {
    const vmFile = variant(policy, (text) =>
      text.replace('kind: vfio-user', 'kind: vfio-user\n  layout: trapped'),
    );
    const { console, events } = await run(vmFile);
    expect(compare(readConsole(console), readEvents(events)).faults).toEqual([]);
    expect(events).toContain('"layout":"trapped"');
  });

  it('turns a request whose line is gone from the policy into a denial that names the line', async () => {
    const line = /^ {2}GPUSYS: use\n/m;
    expect(policy).toMatch(line);
    const { console, events } = await run(variant(policy.replace(line, '')));

    const denied = readConsole(console).filter(({ expected }) => !expected);
    expect(denied.map(({ name, ret }) => ({ name, ret }))).toEqual([{ name: 'CLK ENABLE GPUSYS', ret: -1 }]);

    const denials = events
      .split('\n')
      .filter((text) => text.includes('"event":"denial"'))
      .map((text) => JSON.parse(text) as { text: string; fix?: string });
    const [denial] = denials.filter(({ text }) => text.startsWith('CLK ENABLE GPUSYS'));
    expect(denial?.fix).toContain('GPUSYS: use');
    expect(readEvents(events).release?.map(({ resource }) => resource)).not.toContain('clock GPUSYS');
  });

  it('has its parts where the example looks for them', () => {
    expect(readFileSync(example, 'utf8')).toMatch(/\$\{cache\}\/guest\/demo\/vmlinuz/);
    expect(readFileSync(join(cacheFolder(), 'guest-parts/parts.json'), 'utf8')).toContain('linux-image-');
  });
});
