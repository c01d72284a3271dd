import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const folder = new URL('../../scripts/', import.meta.url).pathname;
/** What the kernel's key is made of, in this order. */
const kernelSources = [join(folder, '../guest/mainline/kernel.config'), join(folder, 'guest-kernel')];
const scripts = ['', 'lib/']
  .flatMap((sub) => readdirSync(folder + sub, { withFileTypes: true }).map((entry) => ({ entry, sub })))
  .filter(({ entry }) => entry.isFile() && !/\.(ts|json)$/.test(entry.name))
  .map(({ entry, sub }) => sub + entry.name)
  .filter(
    (name) => name.endsWith('.sh') || readFileSync(folder + name, 'utf8').startsWith('#!/usr/bin/env bash'),
  );

describe('the scripts', () => {
  it.each(scripts)('%s can be read by bash', async (name) => {
    await execa('bash', ['-n', folder + name], { timeout: 10_000 });
  });

  it.each(scripts)('%s downloads with apt-get and npm only', (name) => {
    expect(readFileSync(folder + name, 'utf8')).not.toMatch(/\b(curl|wget|git clone|pip|ftp)\b/);
  });

  it('refuse a level that is none', async () => {
    const { exitCode, stderr } = await execa(`${folder}setup`, ['everything'], {
      reject: false,
      timeout: 10_000,
    });
    expect(exitCode).toBe(1);
    expect(stderr).toBe('error: usage: scripts/setup [demo|test]');
  });
});

/** Runs a few lines of bash with the scripts' own functions at hand. */
function withLibrary(
  lines: string,
): Promise<{ stdout: string; stderr: string; exitCode?: number | undefined }> {
  const source = `. ${folder}lib/common.sh\n. ${folder}lib/private-apt.sh\n${lines}`;
  const env = { XDG_CACHE_HOME: place, GPUVM_SETUP_LOG: join(place, 'log') };
  return execa('bash', ['-c', source], { env, reject: false, timeout: 10_000 });
}

let place: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'gpuvm-scripts-'));
});
afterEach(() => {
  rmSync(place, { recursive: true });
});

describe('a step', () => {
  it('is one line with its time, and its output goes to the log', async () => {
    const { stdout, stderr } = await withLibrary(
      'work() { echo noise; echo more >&2; }; step "some work" work',
    );
    expect(stdout).toMatch(/^ {2}some work +0 s$/);
    expect(stderr).toBe('');
    expect(readFileSync(join(place, 'log'), 'utf8')).toBe('== some work: work\nnoise\nmore\n');
  });

  it('ends everything with one line and the path of the log where a command in its middle fails', async () => {
    const { stderr, exitCode } = await withLibrary(
      'work() { false; echo went on; }; step "some work" work; echo on',
    );
    expect(exitCode).toBe(1);
    expect(stderr).toBe(`error: that failed, see ${join(place, 'log')}`);
    expect(readFileSync(join(place, 'log'), 'utf8')).not.toContain('went on');
  });
});

describe("Debian's mirror", () => {
  const mirrorOf = async (name: string, text: string) => {
    mkdirSync(join(place, 'apt/sources.list.d'), { recursive: true });
    writeFileSync(join(place, 'apt', name), text);
    return (await withLibrary(`debian_mirror ${place}/apt`)).stdout;
  };

  it("is the machine's own", async () => {
    const deb822 = 'Types: deb\nURIs: https://mirror.example/debian/\nSuites: trixie\n';
    expect(await mirrorOf('sources.list.d/debian.sources', deb822)).toBe('https://mirror.example/debian');
    const line = 'deb [arch=amd64] http://other.example/pub/debian bookworm main\n';
    expect(await mirrorOf('sources.list', line)).toBe('http://other.example/pub/debian');
  });

  it("is Debian's where the machine has another distribution's or none", async () => {
    const ubuntu = 'Types: deb\nURIs: http://archive.ubuntu.com/ubuntu/\nSuites: noble\n';
    expect(await mirrorOf('sources.list.d/ubuntu.sources', ubuntu)).toBe('http://deb.debian.org/debian');
    expect(
      await mirrorOf('sources.list.d/security.sources', 'URIs: http://x.example/debian-security\n'),
    ).toBe('http://deb.debian.org/debian');
  });
});

describe('guest-kernel', () => {
  it('leaves a kernel alone that was built of the same configuration by the same script', async () => {
    const key = await execa('bash', ['-c', 'cat "$@" | sha256sum | cut -c1-16', '-', ...kernelSources]);
    const kernel = join(place, 'gpuvm/guest-kernel/current');
    mkdirSync(kernel, { recursive: true });
    writeFileSync(join(kernel, 'Image'), '');
    writeFileSync(join(kernel, 'kernel.json'), `{\n  "key": "${key.stdout}"\n}\n`);
    const env = { XDG_CACHE_HOME: place, GPUVM_SETUP_LOG: join(place, 'log') };
    const { stdout } = await execa(`${folder}guest-kernel`, { env, timeout: 10_000 });
    expect(stdout).toBe('');
    expect(readdirSync(join(place, 'gpuvm/guest-kernel'))).toEqual(['current']);
  });

  it('is configured by options that stand there once', () => {
    const names = readFileSync(kernelSources[0]!, 'utf8').match(/^CONFIG_\w+/gm)!;
    expect(new Set(names).size).toBe(names.length);
  });
});
