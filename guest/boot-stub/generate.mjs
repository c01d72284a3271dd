#!/usr/bin/env node
// Assembles boot-stub.S with the cross assembler and writes its words to src/qemu/boot-stub-code.ts; with --print they
// go to the standard output instead. Needs aarch64-linux-gnu-gcc and -objcopy, which users of gpuvm do not.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'boot-stub-'));
try {
  const object = join(work, 'boot-stub.o');
  const binary = join(work, 'boot-stub.bin');
  execFileSync('aarch64-linux-gnu-gcc', ['-c', '-o', object, join(here, 'boot-stub.S')]);
  execFileSync('aarch64-linux-gnu-objcopy', ['-O', 'binary', '-j', '.text', object, binary]);
  const bytes = readFileSync(binary);
  const words = Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readUInt32LE(4 * i));
  const lines = words.map((word) => `  0x${word.toString(16).padStart(8, '0')},`).join('\n');
  const text = `/** Generated from guest/boot-stub/boot-stub.S by generate.mjs beside it: the code, to which the table is appended. */
// biome-ignore format: one instruction to a line
export const BOOT_STUB_CODE: readonly number[] = [
${lines}
];
`;
  if (process.argv.includes('--print')) process.stdout.write(text);
  else writeFileSync(join(here, '../../src/qemu/boot-stub-code.ts'), text);
} finally {
  rmSync(work, { recursive: true });
}
