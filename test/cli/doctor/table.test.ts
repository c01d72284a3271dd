import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { SAID_ELSEWHERE } from '../../../src/cli/doctor/checks/plan.js';
import { examine } from '../../../src/cli/doctor/examine.js';
import { gather } from '../../../src/cli/doctor/given.js';
import { rows } from '../../../src/cli/doctor/table.js';
import { countLine, findingLines, subjects } from '../../../src/cli/doctor/text.js';
import type { Finding } from '../../../src/finding.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const page = readFileSync(join(root, 'docs/troubleshooting.md'), 'utf8');
const ids = rows.flatMap((row) => row.ids);

describe('docs/troubleshooting.md', () => {
  const sections = new Map(
    page
      .split(/^### /m)
      .slice(1)
      .map((section) => {
        const [heading, ...body] = section.split(/^(?=## )/m)[0]!.split('\n');
        return [heading!, body.join('\n')];
      }),
  );

  it('has a section for each check, in their order, and for no other', () => {
    expect([...sections.keys()].sort()).toEqual([...ids].sort());
  });

  it.each(ids)('%s: says how to verify it', (id) => {
    const text = sections.get(id)!;
    expect(text.length).toBeGreaterThan(80);
    expect(text).toContain('**Verify:**');
  });

  it('links to sections that are there', () => {
    const anchors = new Set(
      [...page.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
        heading!
          .toLowerCase()
          .replaceAll(/[^\w -]/g, '')
          .replaceAll(' ', '-'),
      ),
    );
    const links = [...page.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor]) => anchor!);
    expect(links.length).toBeGreaterThan(3);
    expect(links.filter((anchor) => !anchors.has(anchor))).toEqual([]);
  });
});

it('has each id once', () => {
  expect(ids).toEqual([...new Set(ids)]);
});

it.each(['src/vfio', 'src/vm/plan'])('names every finding of %s', (folder) => {
  const files = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  const made = files.flatMap((name) =>
    [
      ...readFileSync(join(root, folder, name), 'utf8').matchAll(
        /\bid(?:: | = )[`']((?:vfio|plan)\.[\w-]+)/g,
      ),
    ].map(([, id]) => id!),
  );
  expect(made.length).toBeGreaterThan(5);
  expect([...new Set(made)].filter((id) => !ids.includes(id) && !SAID_ELSEWHERE.has(id))).toEqual([]);
});

describe('examine', () => {
  const ok: Finding = { id: 'a.b', status: 'ok', what: 'well', evidence: 'seen' };

  it('makes a finding of a check that breaks at once, later, or never ends', async () => {
    const given = await gather({});
    const found = await examine(
      [
        { ids: ['x.first'], run: () => [ok] },
        {
          ids: ['x.throws'],
          run: () => {
            throw new Error('bad\nluck');
          },
        },
        {
          ids: ['x.rejects', 'x.other'],
          run: () => Promise.reject(Object.assign(new Error('no'), { code: 'EIO' })),
        },
        { ids: ['x.hangs'], run: () => new Promise(() => {}) },
      ],
      given,
      50,
    );
    expect(found).toMatchObject([
      ok,
      { id: 'x.throws', status: 'warn', what: 'this could not be checked: bad / luck' },
      { id: 'x.rejects', status: 'warn', evidence: 'EIO' },
      { id: 'x.hangs', status: 'warn', what: 'this could not be checked in time' },
    ]);
  });
});

describe('the text', () => {
  const findings: Finding[] = [
    { id: 'kernel.version', status: 'ok', what: 'Linux 6', evidence: '/proc' },
    { id: 'kernel.option/CONFIG_KVM', status: 'warn', what: 'no KVM', evidence: '/boot', fix: 'rebuild' },
    { id: 'qemu.binary', status: 'fail', what: 'no QEMU', evidence: 'PATH', fix: 'apt install' },
  ];

  it('is grouped and aligned, with what mends it below', () => {
    expect(findingLines(findings, { colour: false, verbose: false })).toEqual([
      'The kernel',
      '  ok    kernel.version            Linux 6',
      '  warn  kernel.option/CONFIG_KVM  no KVM',
      '        /boot',
      '        → rebuild',
      '',
      'QEMU',
      '  fail  qemu.binary               no QEMU',
      '        PATH',
      '        → apt install',
    ]);
  });

  it('has the evidence of all where more is asked for, and colour where it may', () => {
    expect(findingLines(findings, { colour: false, verbose: true })[2]).toBe('        /proc');
    const coloured = findingLines(findings, { colour: true, verbose: false }).join('\n');
    expect(coloured).toContain('\u001b[31mfail\u001b[0m');
    const plain = ['\u001b[0m', '\u001b[1m', '\u001b[2m', '\u001b[31m', '\u001b[32m', '\u001b[33m'].reduce(
      (text, code) => text.replaceAll(code, ''),
      coloured,
    );
    expect(plain).toBe(findingLines(findings, { colour: false, verbose: false }).join('\n'));
  });

  it('counts', () => {
    expect(countLine(findings)).toBe('1 ok, 1 warning, 1 failure');
    expect(countLine([])).toBe('0 ok, 0 warnings, 0 failures');
  });

  it('has a name for every subject', () => {
    const known = new Set(ids.map((id) => id.split('.')[0]!));
    for (const subject of known) expect(subjects).toHaveProperty(subject);
    expect(Object.keys(subjects).filter((subject) => !known.has(subject))).toEqual([]);
  });
});
