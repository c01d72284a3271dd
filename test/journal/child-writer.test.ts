import { execFileSync, spawn } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { ChildWriter, isAlive, recover, stateFolders } from '../../src/journal/index.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folders: string[] = [];
const writers: ChildWriter[] = [];
afterEach(() => {
  for (const writer of writers.splice(0)) writer.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'gpuvm-writer-'));
  folders.push(folder);
  return folder;
}

function newWriter(deadlineMs?: number): ChildWriter {
  const writer = new ChildWriter(deadlineMs === undefined ? {} : { deadlineMs });
  writers.push(writer);
  return writer;
}

/** A file whose writer waits in the kernel: nobody reads the pipe. */
function hangingFile(path: string): void {
  execFileSync('mkfifo', [path]);
}

describe('ChildWriter', () => {
  it('writes, one write after another, from a process of its own', async () => {
    const folder = newFolder();
    const writer = newWriter();
    const child = await writer.prepare();
    expect(child!.pid).not.toBe(process.pid);
    for (const text of ['one', 'zwei ü', '\n']) {
      writeFileSync(join(folder, 'file'), '');
      await writer.write(join(folder, 'file'), text);
      expect(readFileSync(join(folder, 'file'), 'utf8')).toBe(text);
    }
    expect(await writer.prepare()).toEqual(child);
  });

  it('makes no file, and says what the kernel said', async () => {
    const folder = newFolder();
    await expect(newWriter().write(join(folder, 'none'), 'x')).rejects.toMatchObject({
      code: 'GPUVM_BIND',
      message: `writing "x" to ${folder}/none: ENOENT (the file is not there)`,
      details: { errno: 'ENOENT' },
    });
    expect(readdirSync(folder)).toEqual([]);
  });

  it('gives up on a write that hangs in the kernel, and goes on with the next', async () => {
    const folder = newFolder();
    hangingFile(join(folder, 'hangs'));
    writeFileSync(join(folder, 'works'), '');
    const writer = newWriter(300);
    const child = await writer.prepare();
    await expect(writer.write(join(folder, 'hangs'), 'x')).rejects.toMatchObject({
      code: 'GPUVM_BIND',
      message: expect.stringContaining(`process ${child!.pid} has hung in the kernel for 0.3 s`),
      details: { hung: true, pid: child!.pid },
    });
    await writer.write(join(folder, 'works'), 'y');
    expect(readFileSync(join(folder, 'works'), 'utf8')).toBe('y');
  });

  it('ends when it is closed', async () => {
    const writer = newWriter();
    const child = (await writer.prepare())!;
    writer.close();
    await expect.poll(() => isAlive(child)).toBe(false);
  });

  it('has another child where the first was killed', async () => {
    const folder = newFolder();
    writeFileSync(join(folder, 'file'), '');
    const writer = newWriter();
    const child = (await writer.prepare())!;
    process.kill(child.pid, 'SIGKILL');
    await expect.poll(() => isAlive(child)).toBe(false);
    await writer.write(join(folder, 'file'), 'x').catch(() => writer.write(join(folder, 'file'), 'x'));
    expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('x');
  });
});

/** Whether a child of this process waits for somebody to open the other end of a FIFO. */
function hangsInOpen(pid: number): boolean {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
  return children.some((child) => readFileSync(`/proc/${child}/wchan`, 'utf8').includes('wait_for_partner'));
}

describe('a write that outlives its supervisor', () => {
  it('is waited for by recover, which does what it can meanwhile, and the rest when the write is over', async () => {
    const sysroot = newFolder();
    mkdirSync(join(sysroot, 'sys'));
    writeFileSync(join(sysroot, 'sys/a'), '0');
    hangingFile(join(sysroot, 'sys/hangs'));
    writeFileSync(join(sysroot, 'sys/b'), '0');
    // It makes a change, and hangs in the next; then it is killed.
    const script = `
      import { Journal } from '${root}src/journal/index.ts';
      const [sysroot] = process.argv.slice(-1);
      const set = (id, path) => ({ id, kind: 'write', what: id, subject: id, path, value: '1',
        before: { kind: 'value', path: '/sys/' + id, value: '0' }, undo: { path: '/sys/' + id, value: '0' } });
      (async () => {
        const journal = await Journal.open({ folder: sysroot + '/state/journal', vm: 'vm', sysroot });
        await journal.perform(set('a', '/sys/a'));
        await journal.perform(set('b', '/sys/hangs'));
      })();`;
    const supervisor = spawn(process.execPath, ['--import', 'tsx', '-e', script, sysroot], {
      cwd: root,
      stdio: 'inherit',
    });
    const folder = join(sysroot, 'state/journal');
    const text = () => {
      try {
        return readFileSync(join(folder, readdirSync(folder)[0]!), 'utf8');
      } catch {
        return '';
      }
    };
    await expect.poll(text, { timeout: 20_000 }).toContain('"id":"b"');
    // The record comes before the write: the writer has to be there, and to hang.
    await expect.poll(() => hangsInOpen(supervisor.pid!), { timeout: 20_000 }).toBe(true);
    supervisor.kill('SIGKILL');
    await new Promise((resolve) => supervisor.once('exit', resolve));
    const options = { folders: stateFolders({ stateDir: join(sysroot, 'state') }), sysroot };
    const first = await recover({ ...options, patienceMs: 200 });
    expect(first).toMatchObject({ ok: false, journals: [{ state: 'incomplete' }] });
    const [b, a] = first.journals[0]!.steps;
    expect(b).toMatchObject({
      id: 'b',
      outcome: 'failed',
      why: expect.stringMatching(/process \d+ still hangs in the kernel/),
    });
    expect(a).toMatchObject({ id: 'a', outcome: 'undone' });
    expect(readFileSync(join(sysroot, 'sys/a'), 'utf8')).toBe('0');
    // The kernel lets go of the write: somebody reads the pipe.
    const reader = openSync(join(sysroot, 'sys/hangs'), 'r');
    const second = await recover(options);
    closeSync(reader);
    expect(second.journals).toMatchObject([{ state: 'recovered', steps: [{ id: 'b', outcome: 'nothing' }] }]);
    expect(readdirSync(folder)).toEqual([]);
  });
});
