import { spawn } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type HostStep,
  identityOf,
  Journal,
  journalsOf,
  realDisk,
  recover,
  type StateFolders,
  stateFolders,
} from '../../src/journal/index.js';
import { FakeKernel } from '../vfio/fake-kernel.js';

const roots: string[] = [];
const journals: Journal[] = [];
afterEach(async () => {
  for (const journal of journals.splice(0)) await journal.close();
  for (const root of roots.splice(0)) rmSync(root, { recursive: true, force: true });
});

interface World {
  readonly sysroot: string;
  readonly folders: StateFolders;
  value(name: string): string;
  boot(id: string): void;
  recover: (more?: object) => ReturnType<typeof recover>;
  open(vm?: string): Promise<Journal>;
}

function world(): World {
  const sysroot = mkdtempSync(join(tmpdir(), 'gpuvm-journal-'));
  roots.push(sysroot);
  mkdirSync(join(sysroot, 'proc/sys/kernel/random'), { recursive: true });
  mkdirSync(join(sysroot, 'sys'));
  mkdirSync(join(sysroot, 'etc'));
  const boot = (id: string) => writeFileSync(join(sysroot, 'proc/sys/kernel/random/boot_id'), `${id}\n`);
  boot('one');
  for (const name of ['a', 'b']) writeFileSync(join(sysroot, 'sys', name), '0\n');
  const folders = stateFolders({ stateDir: join(sysroot, 'state') });
  const writer = () => new FakeKernel(sysroot);
  return {
    sysroot,
    folders,
    boot,
    value: (name) => readFileSync(join(sysroot, 'sys', name), 'utf8').trim(),
    recover: (more) => recover({ folders, sysroot, writer, patienceMs: 50, ...more }),
    async open(vm = 'vm') {
      const journal = await Journal.open({
        folder: folders.journal,
        vm,
        sysroot,
        writer: writer(),
        patienceMs: 50,
      });
      journals.push(journal);
      return journal;
    },
  };
}

/** `/sys/a` from one value to another. */
function set(name: string, from: string, to: string, more: Partial<HostStep> = {}): HostStep {
  const path = `/sys/${name}`;
  return {
    id: `${name}-${to}`,
    kind: 'write',
    what: `set ${name} to ${to}`,
    subject: name,
    path,
    value: to,
    before: { kind: 'value', path, value: from },
    after: { kind: 'value', path, value: to },
    undo: { path, value: from },
    ...more,
  } as HostStep;
}

/** Makes the journal one of a process that is gone. */
function orphan(path: string): void {
  const [header, ...rest] = readFileSync(path, 'utf8').split('\n');
  const fields = { ...(JSON.parse(header!) as object), pid: 2 ** 22 + 1, startTime: 1 };
  const own = rest.filter((line) => !line.startsWith('{"owner"'));
  writeFileSync(path, [JSON.stringify(fields), ...own].join('\n'));
}

/** A journal with these changes made, whose owner was killed. */
async function crashed(at: World, steps: readonly HostStep[], vm?: string): Promise<string> {
  const journal = await at.open(vm);
  for (const step of steps) await journal.perform(step);
  await journal.close();
  orphan(journal.path);
  return journal.path;
}

describe('a journal', () => {
  it('undoes in reverse and goes', async () => {
    const at = world();
    const journal = await at.open();
    await journal.perform(set('a', '0', '1'));
    await journal.perform(set('a', '1', '2'));
    expect(at.value('a')).toBe('2');
    const report = await journal.undo();
    expect(report.steps.map(({ id, outcome }) => [id, outcome])).toEqual([
      ['a-2', 'undone'],
      ['a-1', 'undone'],
    ]);
    expect(at.value('a')).toBe('0');
    expect(readdirSync(at.folders.journal)).toEqual([]);
    expect(await journal.undo()).toEqual({ ok: true, steps: [] });
  });

  it('is readable by its owner alone', async () => {
    const journal = await world().open();
    expect(statSync(journal.path).mode & 0o777).toBe(0o600);
  });

  it('has one file for each run, two of one process too', async () => {
    const at = world();
    const [one, two] = [await at.open(), await at.open()];
    expect(one.path).not.toBe(two.path);
    await one.close();
    await two.close();
    expect(readdirSync(at.folders.journal)).toEqual([]);
  });

  it('has the record on the disk before the change is made', async () => {
    const at = world();
    const order: string[] = [];
    const kernel = new FakeKernel(at.sysroot);
    const journal = await Journal.open({
      folder: at.folders.journal,
      vm: 'vm',
      sysroot: at.sysroot,
      writer: {
        prepare: () => kernel.prepare(),
        close: () => kernel.close(),
        write: async (path, value) => {
          order.push('write');
          await kernel.write(path, value);
        },
      },
      disk: {
        ...realDisk,
        append: async (file, text) => {
          order.push(`append ${Object.keys(JSON.parse(text) as object)[0]}`);
          await realDisk.append(file, text);
        },
        sync: async (file) => {
          order.push('sync');
          await realDisk.sync(file);
        },
        publish: async (from, to) => {
          order.push('publish');
          await realDisk.publish(from, to);
        },
      },
    });
    await journal.perform(set('a', '0', '1'));
    await journal.undo();
    expect(order).toEqual([
      ...['append journal', 'sync', 'publish'],
      ...['append do', 'sync', 'write', 'append done'],
      ...['append undo', 'sync', 'write', 'append undone'],
    ]);
  });

  it('makes no change that it could not write down, and stays readable', async () => {
    const at = world();
    let full = false;
    const journal = await Journal.open({
      folder: at.folders.journal,
      vm: 'vm',
      sysroot: at.sysroot,
      writer: new FakeKernel(at.sysroot),
      disk: {
        ...realDisk,
        append: async (file, text) => {
          await realDisk.append(file, full ? text.slice(0, 10) : text);
          if (full) throw Object.assign(new Error('full'), { code: 'ENOSPC' });
        },
      },
    });
    await journal.perform(set('a', '0', '1'));
    full = true;
    await expect(journal.perform(set('b', '0', '1'))).rejects.toMatchObject({
      code: 'GPUVM_JOURNAL',
      message: expect.stringContaining('ENOSPC'),
    });
    expect(at.value('b')).toBe('0');
    // What was made is undone all the same.
    expect((await journal.undo()).ok).toBe(true);
    expect(at.value('a')).toBe('0');
    expect(readdirSync(at.folders.journal)).toEqual([]);
  });

  it('leaves alone what somebody else has changed since', async () => {
    const at = world();
    const journal = await at.open();
    await journal.perform(set('a', '0', '1'));
    await journal.perform(set('b', '0', '1'));
    writeFileSync(join(at.sysroot, 'sys/a'), '7\n');
    const { ok, steps } = await journal.undo();
    expect(ok).toBe(false);
    expect(steps.find(({ id }) => id === 'a-1')).toMatchObject({
      outcome: 'failed',
      why: '/sys/a is "7", which gpuvm did not make it: left alone',
    });
    expect([at.value('a'), at.value('b')]).toEqual(['7', '0']);
  });

  it('puts files back as they were, or takes them away', async () => {
    const at = world();
    writeFileSync(join(at.sysroot, 'etc/old'), 'before', { mode: 0o600 });
    const journal = await at.open();
    await journal.perform({
      id: '1',
      kind: 'file',
      what: 'write old',
      path: '/etc/old',
      content: 'after',
      mode: 0o644,
    });
    await journal.perform({ id: '2', kind: 'file', what: 'write new', path: '/etc/new', content: 'after' });
    expect(readFileSync(join(at.sysroot, 'etc/old'), 'utf8')).toBe('after');
    expect((await journal.undo()).ok).toBe(true);
    expect(readFileSync(join(at.sysroot, 'etc/old'), 'utf8')).toBe('before');
    expect(statSync(join(at.sysroot, 'etc/old')).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(at.sysroot, 'etc'))).toEqual(['old']);
  });

  it('ends a process that it was told of, before it puts back what came earlier', async () => {
    const at = world();
    const child = spawn('sleep', ['1000']);
    const gone = new Promise((resolve) => child.once('exit', (_code, signal) => resolve(signal)));
    const journal = await at.open();
    await journal.perform(set('a', '0', '1'));
    await journal.child({ id: 'qemu', what: 'QEMU', ...identityOf(child.pid!)! });
    const { steps } = await journal.undo();
    expect(steps.map(({ id, outcome }) => [id, outcome])).toEqual([
      ['qemu', 'undone'],
      ['a-1', 'undone'],
    ]);
    expect(await gone).toBe('SIGTERM');
  });
});

describe('recover', () => {
  it('leaves the journal of a living process alone, and says so', async () => {
    const at = world();
    const journal = await at.open();
    await journal.perform(set('a', '0', '1'));
    const { ok, journals } = await at.recover();
    expect(ok).toBe(true);
    expect(journals).toMatchObject([
      { state: 'alive', vm: 'vm', why: `process ${process.pid} of vm is running` },
    ]);
    expect(at.value('a')).toBe('1');
  });

  it('does not take a pid for the process that had it before', async () => {
    const at = world();
    const path = await crashed(at, [set('a', '0', '1')]);
    const [header, ...rest] = readFileSync(path, 'utf8').split('\n');
    writeFileSync(
      path,
      [JSON.stringify({ ...(JSON.parse(header!) as object), pid: process.pid }), ...rest].join('\n'),
    );
    expect((await at.recover()).journals).toMatchObject([{ state: 'recovered' }]);
    expect(at.value('a')).toBe('0');
  });

  it('says in a dry run what it would do, and does nothing', async () => {
    const at = world();
    const path = await crashed(at, [set('a', '0', '1'), set('a', '1', '2'), set('b', '0', '1')]);
    const text = readFileSync(path, 'utf8');
    const { journals, dryRun } = await at.recover({ dryRun: true });
    expect(dryRun).toBe(true);
    expect(journals[0]!.steps.map(({ outcome }) => outcome)).toEqual(['undone', 'undone', 'undone']);
    expect(at.value('a')).toBe('2');
    expect(readFileSync(path, 'utf8')).toBe(text);
  });

  it('does what is right after a torn record, wherever it was torn', async () => {
    const at = world();
    const path = await crashed(at, [set('a', '0', '1')]);
    const whole = readFileSync(path);
    const record = `${JSON.stringify({ do: set('b', '0', '1') })}\n`;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: record.length }), fc.boolean(), async (size, made) => {
        writeFileSync(path, Buffer.concat([whole, Buffer.from(record.slice(0, size))]));
        writeFileSync(join(at.sysroot, 'sys/a'), '1\n');
        // Only after a whole record may the change have been made.
        writeFileSync(join(at.sysroot, 'sys/b'), made && size === record.length ? '1\n' : '0\n');
        expect((await at.recover()).journals).toMatchObject([{ state: 'recovered' }]);
        expect([at.value('a'), at.value('b')]).toEqual(['0', '0']);
        expect(existsSync(path)).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  it('takes zeros at the end, as a power cut leaves them, for a torn record', async () => {
    const at = world();
    const path = await crashed(at, [set('a', '0', '1')]);
    appendFileSync(path, Buffer.concat([Buffer.alloc(100), Buffer.from('"}\n')]));
    expect((await at.recover()).ok).toBe(true);
    expect(at.value('a')).toBe('0');
  });

  it('takes nothing that comes after zeros for written down: it was flushed with them, or not', async () => {
    const at = world();
    const path = await crashed(at, [set('a', '0', '1')]);
    const record = `${JSON.stringify({ do: set('b', '0', '1') })}\n`;
    const torn = [Buffer.alloc(100), Buffer.from('":"sys/a"}\n'), Buffer.from(record)];
    appendFileSync(path, Buffer.concat(torn));
    // As somebody else has set it: not to be put back.
    writeFileSync(join(at.sysroot, 'sys/b'), '1\n');
    const { journals } = await at.recover();
    expect(journals).toMatchObject([{ state: 'recovered', steps: [{ id: set('a', '0', '1').id }] }]);
    expect([at.value('a'), at.value('b')]).toEqual(['0', '1']);
  });

  it('sets a corrupt journal aside, with its line, and goes on with the others', async () => {
    const at = world();
    const bad = await crashed(at, [set('a', '0', '1')], 'bad');
    await crashed(at, [set('b', '0', '1')], 'good');
    const lines = readFileSync(bad, 'utf8').split('\n');
    lines[1] = '{"do":{"id":17}}';
    writeFileSync(bad, lines.join('\n'));
    const { ok, journals } = await at.recover();
    expect(ok).toBe(false);
    expect(journals).toMatchObject([
      {
        state: 'corrupt',
        vm: 'bad',
        why: `${bad}:2: this is no record of a journal: set aside as ${bad}.corrupt; what it names must be put back by hand`,
      },
      { state: 'recovered', vm: 'good' },
    ]);
    expect(readFileSync(`${bad}.corrupt`, 'utf8')).toBe(lines.join('\n'));
    expect([at.value('a'), at.value('b')]).toEqual(['1', '0']);
    expect((await at.recover()).journals).toEqual([]);
  });

  it.each(['', 'nonsense\n', '{"journal":"gpuvm","version":2}\n', '[]\n', '\0\0\0\nx\n'])(
    'does not fall over %j',
    async (text) => {
      const at = world();
      mkdirSync(at.folders.journal, { recursive: true });
      writeFileSync(join(at.folders.journal, 'x-1-2.ndjson'), text);
      expect((await at.recover()).journals).toMatchObject([{ state: 'corrupt', vm: 'x' }]);
    },
  );

  it('reads any bytes without falling over', async () => {
    const at = world();
    mkdirSync(at.folders.journal, { recursive: true });
    const line = fc.oneof(
      fc.json(),
      fc.string(),
      fc.constant(JSON.stringify({ do: set('a', '0', '1') })),
      fc.constant(
        JSON.stringify({
          journal: 'gpuvm',
          version: 1,
          vm: 'v',
          boot: 'one',
          pid: 2 ** 22 + 1,
          startTime: 1,
        }),
      ),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(line), async (lines) => {
        writeFileSync(join(at.folders.journal, 'x-1-2.ndjson'), lines.join('\n'));
        await at.recover();
        expect(readdirSync(at.folders.journal).filter((name) => name.endsWith('.ndjson'))).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  it('after a reboot undoes files alone, and says what went with the boot', async () => {
    const at = world();
    const file: HostStep = { id: 'f', kind: 'file', what: 'write x', path: '/etc/x', content: 'x' };
    await crashed(at, [set('a', '0', '1'), file]);
    at.boot('two');
    const { ok, journals } = await at.recover();
    expect(ok).toBe(true);
    expect(journals).toMatchObject([{ state: 'recovered', rebooted: true }]);
    expect(journals[0]!.steps.map(({ id, outcome }) => [id, outcome])).toEqual([
      ['f', 'undone'],
      ['a-1', 'obsolete'],
    ]);
    expect(existsSync(join(at.sysroot, 'etc/x'))).toBe(false);
    // The new boot's value, whatever it is, is not the old run's.
    expect(at.value('a')).toBe('1');
    expect(readdirSync(at.folders.journal)).toEqual([]);
  });

  it('leaves alone what was meant to stay, unless it is told', async () => {
    const at = world();
    const journal = await at.open('devices');
    await journal.perform(set('a', '0', '1'));
    await journal.keep('bound by hand');
    orphan(journal.path);
    expect(journalsOf(at.folders.journal, at.sysroot)).toMatchObject([
      { vm: 'devices', state: 'kept', subjects: ['a'] },
    ]);
    expect((await at.recover()).journals).toMatchObject([{ state: 'kept', why: 'bound by hand' }]);
    expect((await at.recover({ force: ['other'] })).journals).toMatchObject([{ state: 'kept' }]);
    expect((await at.recover({ force: ['devices'] })).journals).toMatchObject([{ state: 'recovered' }]);
    expect(at.value('a')).toBe('0');
  });

  it('clears away a journal that was being begun', async () => {
    const at = world();
    mkdirSync(at.folders.journal, { recursive: true });
    writeFileSync(join(at.folders.journal, 'vm-1-2.ndjson.new'), '{"jour');
    expect((await at.recover()).journals).toEqual([]);
    expect(readdirSync(at.folders.journal)).toEqual([]);
  });

  it('keeps the journal where something cannot be undone, and can be run again', async () => {
    const at = world();
    await crashed(at, [set('a', '0', '1'), set('b', '0', '1')]);
    const broken = () => new FakeKernel(at.sysroot, (path) => (path === '/sys/a' ? 'EIO' : undefined));
    const first = await at.recover({ writer: broken });
    expect(first).toMatchObject({ ok: false, journals: [{ state: 'incomplete' }] });
    expect([at.value('a'), at.value('b')]).toEqual(['1', '0']);
    const second = await at.recover();
    expect(second.journals[0]!.steps.map(({ id }) => id)).toEqual(['a-1']);
    expect([at.value('a'), at.value('b')]).toEqual(['0', '0']);
  });
});
