import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ControlClient, controlFolder, controlFolders, controlPath } from '../../src/control/index.js';
import { FakeVm } from './fake-vm.js';
import { connected } from './raw.js';
import { Sandbox } from './sandbox.js';

const isRoot = process.getuid!() === 0;
const modeOf = (path: string) => (statSync(path).mode & 0o7777).toString(8);

let sandbox: Sandbox;
let path: string;

beforeEach(() => {
  sandbox = new Sandbox();
  path = sandbox.path('orin');
});
afterEach(() => sandbox.clear());

/** Leaves a socket behind, as a supervisor that was killed does. */
async function die(at: string): Promise<void> {
  const program = `require('net').createServer().listen(${JSON.stringify(at)}, () => process.kill(process.pid, 'SIGKILL'))`;
  const child = spawn(process.execPath, ['-e', program], { stdio: 'ignore' });
  await new Promise((resolve) => child.once('exit', resolve));
  expect(lstatSync(at).isSocket()).toBe(true);
}

describe('the socket', () => {
  it('has its mode whatever the umask is, and leaves nothing beside it', async () => {
    const before = process.umask(0o077);
    try {
      await sandbox.serve(new FakeVm());
    } finally {
      process.umask(before);
    }
    expect(modeOf(path)).toBe('660');
    expect(readdirSync(sandbox.folder)).toEqual(['orin.sock']);
    await sandbox.serve(new FakeVm('two'), { mode: 0o600 });
    expect(modeOf(sandbox.path('two'))).toBe('600');
  });

  it('makes its folder, for nobody else', async () => {
    const folder = join(sandbox.folder, 'run');
    const before = process.umask(0);
    try {
      await sandbox.serve(new FakeVm(), { path: join(folder, 'orin.sock') });
    } finally {
      process.umask(before);
    }
    expect(modeOf(folder)).toBe('750');
  });

  it.skipIf(!isRoot)('is of its group (needs root), and so is a folder that is made for it', async () => {
    const place = join(sandbox.folder, 'run', 'orin.sock');
    await sandbox.serve(new FakeVm(), { path: place, group: 'daemon' });
    const { gid } = statSync(place);
    expect(readFileSync('/etc/group', 'utf8')).toContain(`daemon:x:${gid}:`);
    expect(statSync(dirname(place)).gid).toBe(gid);
    await sandbox.serve(new FakeVm('two'), { group: 12_345 });
    expect(statSync(sandbox.path('two')).gid).toBe(12_345);
  });

  it.skipIf(!isRoot)('opens its folder to enter for a second group (needs root)', async () => {
    const folder = join(sandbox.folder, 'run');
    await sandbox.serve(new FakeVm(), { path: join(folder, 'orin.sock'), group: 'daemon' });
    await sandbox.serve(new FakeVm('same'), { path: join(folder, 'same.sock'), group: 'daemon' });
    expect(modeOf(folder)).toBe('750');
    await sandbox.serve(new FakeVm('two'), { path: join(folder, 'two.sock'), group: 'bin' });
    expect(modeOf(folder)).toBe('755');
    expect(modeOf(join(folder, 'orin.sock'))).toBe('660');
  });

  it.skipIf(!isRoot)('lets its group in, and nobody else (needs root)', async () => {
    chmodSync(sandbox.folder, 0o755);
    const place = join(sandbox.folder, 'run', 'orin.sock');
    await sandbox.serve(new FakeVm(), { path: place, group: 54_321 });
    const tryAs = async (gid: number) => {
      const program = `const s = require('net').connect(${JSON.stringify(place)}, () => { console.log('in'); s.destroy(); });
        s.on('error', (e) => console.log(e.code));`;
      const child = spawn(process.execPath, ['-e', program], {
        uid: 54_000,
        gid,
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      return (await child.stdout.toArray()).join('').trim();
    };
    expect(await tryAs(54_321)).toBe('in');
    expect(await tryAs(54_322)).toBe('EACCES');
  });

  it('never stands at its place with other rights than its own', async () => {
    const seen = new Set<string>();
    const look = () => {
      if (existsSync(path)) seen.add(modeOf(path));
    };
    const watcher = watch(sandbox.folder, look);
    const before = process.umask(0);
    const looking = setInterval(look, 0);
    try {
      await sandbox.serve(new FakeVm());
      look();
    } finally {
      process.umask(before);
      watcher.close();
      clearInterval(looking);
    }
    expect([...seen]).toEqual(['660']);
  });

  it('goes with its server', async () => {
    const server = await sandbox.serve(new FakeVm());
    await Promise.all([server.close(), server.close()]);
    expect(readdirSync(sandbox.folder)).toEqual([]);
  });

  it('goes with its process where nobody closes it', async () => {
    const program = `
      import { serveControl } from ${JSON.stringify(join(import.meta.dirname, '../../src/control/index.ts'))};
      import { FakeVm } from ${JSON.stringify(join(import.meta.dirname, 'fake-vm.ts'))};
      await serveControl(new FakeVm(), { path: ${JSON.stringify(path)} });
      console.log('there');
      process.exit(0);`;
    expect(
      execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
        encoding: 'utf8',
        cwd: join(import.meta.dirname, '../..'),
      }),
    ).toBe('there\n');
    expect(readdirSync(sandbox.folder)).toEqual([]);
  });

  it('of another that took the place meanwhile stays', async () => {
    const server = await sandbox.serve(new FakeVm());
    execFileSync('rm', [path]);
    await sandbox.serve(new FakeVm());
    await server.close();
    expect(await new ControlClient({ path }).status()).toMatchObject({ name: 'orin' });
  });
});

describe('a place that is taken', () => {
  it('is refused while the other lives, with its process id', async () => {
    await sandbox.serve(new FakeVm());
    await expect(sandbox.serve(new FakeVm())).rejects.toMatchObject({
      code: 'GPUVM_VM_PRESENT',
      message: `${path} is in use by the supervisor with process id ${process.pid}: this VM runs already`,
      details: { pid: process.pid },
    });
    expect(readdirSync(sandbox.folder)).toEqual(['orin.sock']);
    expect(await new ControlClient({ path }).status()).toMatchObject({ name: 'orin' });
  });

  it('is refused where something else answers that is no supervisor, or nothing', async () => {
    const mute = createServer(() => {});
    await new Promise<void>((resolve) => mute.listen(path, resolve));
    await expect(sandbox.serve(new FakeVm())).rejects.toMatchObject({
      code: 'GPUVM_VM_PRESENT',
      message: `${path} is in use by another supervisor: this VM runs already`,
    });
    mute.close();
  });

  it('is taken over from the dead', async () => {
    await die(path);
    await sandbox.serve(new FakeVm());
    expect(await new ControlClient({ path }).status()).toMatchObject({ name: 'orin' });
    expect(readdirSync(sandbox.folder)).toEqual(['orin.sock']);
  });

  it('goes to one of many that start at once, after a dead one too', async () => {
    for (const dead of [false, true]) {
      if (dead) await die(path);
      const results = await Promise.allSettled(Array.from({ length: 8 }, () => sandbox.serve(new FakeVm())));
      const won = results.filter(({ status }) => status === 'fulfilled');
      expect(won.length).toBe(1);
      for (const result of results) {
        if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'GPUVM_VM_PRESENT' });
      }
      expect(await new ControlClient({ path }).status()).toMatchObject({ name: 'orin' });
      await (won[0] as PromiseFulfilledResult<{ close(): Promise<void> }>).value.close();
      expect(readdirSync(sandbox.folder)).toEqual([]);
    }
  });

  it.each(['a file', 'a folder', 'a link'])('is left alone where it is %s', async (what) => {
    if (what === 'a file') writeFileSync(path, 'mine');
    else if (what === 'a folder') mkdirSync(path);
    else symlinkSync('/nowhere', path);
    await expect(sandbox.serve(new FakeVm())).rejects.toMatchObject({
      code: 'GPUVM_CONTROL',
      message: `${path} is no socket: move it away, or change control.socket`,
    });
    expect(readdirSync(sandbox.folder)).toEqual(['orin.sock']);
    expect(lstatSync(path).isSocket()).toBe(false);
  });
});

describe('what is refused', () => {
  it('a path that does not fit into an address', async () => {
    const place = join(sandbox.folder, `${'x'.repeat(100)}.sock`);
    await expect(sandbox.serve(new FakeVm(), { path: place })).rejects.toMatchObject({
      code: 'GPUVM_CONTROL',
      message: `the path ${place} is too long for a control socket: it may have 107 bytes, and its folder 93`,
    });
    const folder = join(sandbox.folder, 'y'.repeat(93 - sandbox.folder.length));
    await expect(sandbox.serve(new FakeVm(), { path: join(folder, 'a.sock') })).rejects.toMatchObject({
      code: 'GPUVM_CONTROL',
    });
    // One byte less is served.
    const longest = join(sandbox.folder, 'y'.repeat(92 - sandbox.folder.length));
    const fits = join(longest, `${'a'.repeat(107 - longest.length - 1)}`);
    await sandbox.serve(new FakeVm(), { path: fits });
    (await connected(fits)).destroy();
  });

  it('a group that is not there, and a mode for everybody', async () => {
    await expect(sandbox.serve(new FakeVm(), { group: 'no-such-group' })).rejects.toMatchObject({
      code: 'GPUVM_CONFIG',
      message:
        'there is no group "no-such-group" on this host: make it (groupadd --system no-such-group), or change control.group',
    });
    await expect(sandbox.serve(new FakeVm(), { mode: 0o666 })).rejects.toMatchObject({
      code: 'GPUVM_CONFIG',
      message: "a control socket with mode 0666 would be everybody's: use 0660 and a group",
    });
  });

  it("a folder that everybody may write to, unless what is in it stays its owner's", async () => {
    chmodSync(sandbox.folder, 0o777);
    await expect(sandbox.serve(new FakeVm())).rejects.toMatchObject({
      code: 'GPUVM_CONTROL',
      message: expect.stringContaining('would not be safe, because everybody may write to it'),
    });
    chmodSync(sandbox.folder, 0o1777);
    await sandbox.serve(new FakeVm());
  });

  it('a folder that is not there and has none above it either', async () => {
    await expect(
      sandbox.serve(new FakeVm(), { path: join(sandbox.folder, 'a/b/c.sock') }),
    ).rejects.toMatchObject({
      code: 'GPUVM_CONTROL',
      message: expect.stringMatching(/^the folder .*\/a\/b for control sockets cannot be used: ENOENT/),
    });
  });
});

describe('the path', () => {
  it("is root's, a user's own, or where the environment says", () => {
    expect(controlPath('orin', {}, 0)).toBe('/run/gpuvm/orin.sock');
    expect(controlPath('orin', { XDG_RUNTIME_DIR: '/run/user/0' }, 0)).toBe('/run/gpuvm/orin.sock');
    expect(controlPath('orin', { XDG_RUNTIME_DIR: '/run/user/7' }, 7)).toBe('/run/user/7/gpuvm/orin.sock');
    expect(controlFolder({ XDG_RUNTIME_DIR: 'relative' }, 7)).toMatch(/\/gpuvm-7$/);
    expect(controlPath('orin', { GPUVM_RUNTIME_DIR: '/x' }, 7)).toBe('/x/orin.sock');
    expect(controlFolders({ XDG_RUNTIME_DIR: '/run/user/7' }, 7)).toEqual([
      '/run/user/7/gpuvm',
      '/run/gpuvm',
    ]);
    expect(controlFolders({}, 0)).toEqual(['/run/gpuvm']);
  });

  it.each(['', '.', '..', '../x', 'a/b', '/etc/passwd', '.hidden', 'a\0b', 'a b', 'x'.repeat(64)])(
    'is none for the name %j',
    (name) => {
      expect(() => controlPath(name, {}, 0)).toThrow(expect.objectContaining({ code: 'GPUVM_USAGE' }));
    },
  );
});
