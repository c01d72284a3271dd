import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { commands } from '../../src/cli/commands/index.js';
import { buildProgram } from '../../src/cli/program.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const main = join(root, 'src/cli/main.ts');

function gpuvm(args: string[]): Promise<{ status: number | null; stdout: string; stderr: string }> {
  return new Promise((done) => {
    const child = spawn(process.execPath, ['--import', 'tsx', main, ...args], { cwd: root });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    child.stdin.end();
    child.once('close', (status) => done({ status, stdout, stderr }));
  });
}

describe('gpuvm', () => {
  it('prints its version', async () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    expect(await gpuvm(['--version'])).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
  });

  it.each([
    [['rnu'], 'gpuvm: there is no command "rnu" of gpuvm: did you mean "run"?; see gpuvm --help'],
    [
      ['bpmp', 'decid'],
      'gpuvm: there is no command "decid" of gpuvm bpmp: did you mean "decide"?; see gpuvm bpmp --help',
    ],
    [
      ['run', 'x', '--wach'],
      'gpuvm: gpuvm run has no option --wach: did you mean "--watch"?; see gpuvm run --help',
    ],
    [['run'], 'gpuvm: gpuvm run: missing required argument "file"; see gpuvm run --help'],
    [
      ['run', 'a', 'b'],
      'gpuvm: gpuvm run: too many arguments for "run". Expected 1 argument but got 2; see gpuvm run --help',
    ],
  ])('%j is an error of use, in one line', async (args, line) => {
    expect(await gpuvm(args)).toEqual({ status: 64, stdout: '', stderr: `${line}\n` });
  });

  it('prints its help on stderr and ends with 64 where it is told nothing', async () => {
    const { status, stdout, stderr } = await gpuvm([]);
    expect({ status, stdout }).toEqual({ status: 64, stdout: '' });
    expect(stderr).toContain('Usage: gpuvm');
  });

  it('prints an error in one line, with its causes where asked, and as JSON', async () => {
    const args = ['run', '/nowhere/vm.yaml'];
    const message = 'the VM file /nowhere/vm.yaml cannot be read: it is not there';
    expect(await gpuvm(args)).toEqual({ status: 71, stdout: '', stderr: `gpuvm: ${message}\n` });
    const { status, stdout, stderr } = await gpuvm([...args, '--json', '--verbose']);
    expect(status).toBe(71);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'GPUVM_FILE', message } });
    expect(stderr).toMatch(/^gpuvm: the VM file .*\n {2}1\. ENOENT: .*\n$/);
  });

  it('prints each mistake of a file on a line of its own', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'gpuvm-main-')), 'policy.yaml');
    writeFileSync(file, 'version: 1\nclocsk: {}\nresest: {}\n');
    const { status, stderr } = await gpuvm(['policy', 'check', file]);
    rmSync(dirname(file), { recursive: true });
    expect(status).toBe(78);
    expect(stderr.trimEnd().split('\n').length).toBeGreaterThan(1);
    for (const line of stderr.trimEnd().split('\n')) expect(line).toMatch(/^gpuvm: .*policy\.yaml:\d+:\d+: /);
  });

  it.each([['--help'], ['--version'], ['run', '--help']])(
    'says %s to nobody without a word about it',
    async (...words) => {
      const child = spawn(process.execPath, ['--import', 'tsx', main, ...words], { cwd: root });
      child.stdout.destroy();
      let stderr = '';
      child.stderr.on('data', (chunk) => {
        stderr += chunk;
      });
      const status = await new Promise((done) => child.once('close', done));
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    },
  );

  it('ends quietly when its reader has gone', async () => {
    const child = spawn(
      'sh',
      [
        '-c',
        `yes '{"mrq":22,"tx":"30010007"}' | "$0" --import tsx "$1" bpmp decide --policy examples/policies/gpu.yaml | head -n 1`,
        process.execPath,
        main,
      ],
      { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        text += chunk;
      });
    }
    await new Promise((done) => child.once('close', done));
    expect(text.trim().split('\n')).toEqual([expect.stringContaining('"verdict":"allow"')]);
  });
});

describe('the commands', () => {
  it.each(commands.map((command) => [command.path, command] as const))(
    '%s has help with an example',
    (path, command) => {
      let help = '';
      const program = buildProgram('0', async () => undefined);
      const leaf = path
        .split(' ')
        .reduce((here, word) => here.commands.find((c) => c.name() === word)!, program);
      leaf.configureOutput({
        writeOut: (text) => {
          help += text;
        },
      });
      leaf.outputHelp();
      expect(help).toContain(`Usage: gpuvm ${path}`);
      expect(command.examples.length).toBeGreaterThan(0);
      for (const example of command.examples) {
        expect(example).toContain(`gpuvm ${path}`);
        expect(help).toContain(example);
      }
    },
  );

  it.each(commands.map((command) => [command.path, command] as const))(
    '%s can be loaded',
    async (_path, command) => {
      expect(typeof (await command.load()).run).toBe('function');
    },
  );

  it('load next to nothing until one is run', () => {
    expect(staticImports(join(root, 'src/cli/program.ts'))).toEqual(['commander']);
    expect(staticImports(main)).toEqual(['node:module']);
  });
});

/** The packages that a module and the project's modules that it imports load at once. */
function staticImports(file: string, seen = new Set<string>()): string[] {
  if (seen.has(file)) return [];
  seen.add(file);
  const source = readFileSync(file, 'utf8');
  const found = [...source.matchAll(/^(?:import|export) (?!type\b)[^;]*? from '([^']+)';/gms)].map(
    (match) => match[1]!,
  );
  const packages = found.flatMap((name) =>
    name.startsWith('.') ? staticImports(resolve(dirname(file), name.replace(/\.js$/, '.ts')), seen) : [name],
  );
  return [...new Set(packages)].toSorted();
}
