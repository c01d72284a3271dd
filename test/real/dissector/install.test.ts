import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, expect, it } from 'vitest';
import { Chance, randomTransfer } from '../../support/random-transfers.js';
import { Tshark } from './tshark.js';

const home = mkdtempSync(join(tmpdir(), 'gpuvm-home-'));
const tshark = new Tshark();
afterAll(() => {
  rmSync(home, { recursive: true, force: true });
  tshark.remove();
});

it('is installed where the real Wireshark finds it, its programs and all', async () => {
  const env = { HOME: home, XDG_CONFIG_HOME: join(home, 'config') };
  const main = join(import.meta.dirname, '../../../src/cli/main.ts');
  const words = ['--import', 'tsx', main, 'bpmp', 'dissector', '--install'];
  const { stdout, stderr } = await execa(process.execPath, words, { env });
  expect(stdout.startsWith(home), stdout).toBe(true);
  expect(stderr).toContain('gpuvm: installed');
  const chance = new Chance(5);
  const path = tshark.capture('a.pcapng', [randomTransfer(chance, 0), randomTransfer(chance, 1)]);
  const { stdout: sequences } = await execa('tshark', ['-r', path, '-T', 'fields', '-e', 'bpmp.sequence'], {
    env,
  });
  expect(sequences.split('\n')).toEqual(['0', '1']);
});
