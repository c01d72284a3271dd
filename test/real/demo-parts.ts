import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder } from '../../src/config/index.js';

/** Whether scripts/setup has made what the demo boots, and the program that runs it. */
export function demoIsPrepared(): boolean {
  const program = fileURLToPath(new URL('../../dist/cli/main.cjs', import.meta.url));
  const parts = ['guest/demo/vmlinuz', 'guest/demo/initrd', 'qemu/bin/qemu-system-aarch64'];
  return existsSync(program) && parts.every((part) => existsSync(join(cacheFolder(), part)));
}
