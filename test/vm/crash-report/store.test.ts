import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { crashReport, crashText, storeReport } from '../../../src/vm/crash-report/index.js';
import { stateFoldersToTry } from '../../../src/vm/state-folders.js';

const folder = mkdtempSync(join(tmpdir(), 'gpuvm-reports-'));
afterAll(() => rmSync(folder, { recursive: true }));

const report = crashReport({
  vm: 'kite',
  file: 'kite.yaml',
  startedMs: Date.UTC(2026, 0, 1),
  restarts: 2,
  end: {
    vm: 'kite',
    ending: 'crash',
    message: 'QEMU was killed by SIGSEGV without a shutdown',
    qemu: { code: null, signal: 'SIGSEGV' },
    stderr: ['warning: one'],
    lastDecisions: [
      {
        time: '2026-01-01T00:00:01.000Z',
        request: 'CLK ENABLE GPUSYS (304)',
        mrq: 22,
        verdict: 'deny',
        rule: 'built-in: nothing allows it',
        ret: -1,
        latencyNs: 900,
      },
    ],
    release: {
      entries: [{ resource: 'clock GPUSYS', from: 'on', to: 'off', result: 'given-back' }],
      givenBack: 1,
      kept: 0,
      failed: 0,
    },
    durationMs: 5,
  },
  timeline: [
    { event: 'state', time: '2026-01-01T00:00:00.250Z', state: 'running' },
    { event: 'monitor', time: '2026-01-01T00:00:01.000Z', name: 'RESET', data: { guest: true } },
  ],
  console: Buffer.from('Linux version\r\nOops \u001b[31m\n'),
  undone: { undone: ['bind 17000000.gpu to gk20a'], failed: ['reset of 13800000.display: busy'] },
});

describe('a crash report', () => {
  it('tells people what happened, when, what the bridge decided, and what was undone', () => {
    expect(crashText(report).replace(/ended .*|Linux \d.*/g, '…')).toBe(
      readFileSync(join(import.meta.dirname, 'report.txt'), 'utf8').replace(/ended .*|Linux \d.*/g, '…'),
    );
  });

  it('is written as text and as JSON, for its owner alone', async () => {
    const stored = await storeReport(report, [join(folder, 'one')]);
    expect(JSON.parse(readFileSync(stored.json, 'utf8'))).toMatchObject({
      version: 1,
      vm: 'kite',
      restarts: 2,
    });
    expect(readFileSync(stored.text, 'utf8')).toBe(crashText(report));
    expect(statSync(stored.json).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'one/reports')).mode & 0o777).toBe(0o700);
  });

  it('takes the place of the oldest where there are ten of this VM, and of no other', async () => {
    const reports = join(folder, 'many/reports');
    mkdirSync(reports, { recursive: true });
    writeFileSync(join(reports, 'kite-2-2020-01-01T00-00-00-000Z.txt'), '');
    writeFileSync(join(reports, 'notes.txt'), '');
    for (let second = 10; second < 25; second++) {
      await storeReport({ ...report, ended: `2026-01-01T00:00:${second}.000Z` }, [join(folder, 'many')]);
    }
    const names = readdirSync(reports).sort();
    expect(names.filter((name) => name.endsWith('.json'))).toHaveLength(10);
    expect(names[0]).toBe('kite-2-2020-01-01T00-00-00-000Z.txt');
    expect(names).toContain('notes.txt');
    expect(names).not.toContain('kite-2026-01-01T00-00-14-000Z.txt');
    expect(names).toContain('kite-2026-01-01T00-00-15-000Z.txt');
  });

  it('goes to the next folder where one takes no files, and says why where none does', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    const stored = await storeReport(report, [file, join(folder, 'two')]);
    expect(stored.text).toContain('two/reports/kite-');
    await expect(storeReport(report, [file])).rejects.toMatchObject({
      code: 'GPUVM_FILE',
      message: expect.stringContaining('the crash report cannot be written: '),
    });
  });

  it('goes where it is told to, or to the usual folders', () => {
    expect(stateFoldersToTry('/a', { GPUVM_STATE_DIR: '/b' })).toEqual(['/a']);
    expect(stateFoldersToTry(undefined, { GPUVM_STATE_DIR: '/b' })).toEqual(['/b']);
    expect(stateFoldersToTry(undefined, { XDG_STATE_HOME: '/home/x/state' })).toEqual([
      '/var/lib/gpuvm',
      '/home/x/state/gpuvm',
    ]);
  });
});
