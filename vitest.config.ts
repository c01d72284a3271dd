import { defineConfig } from 'vitest/config';

/**
 * Our tables against the kernel's own headers: GPUVM_KERNEL_INCLUDE=/usr/src/linux-headers-7.2…-common/include. Not part
 * of every run, because Debian has only its newest kernel's, and a newer one need not be a mistake of ours.
 */
const headers = { test: { name: 'headers', include: ['test/headers/**/*.test.ts'] } };

/** What starts no guest of any weight and waits more than it works, or works in folders and processes of its own alone. */
const waiting = [
  'kill-matrix',
  'systemd/recover',
  'systemd/service',
  'systemd/store',
  'systemd/unfit-state',
].map((name) => `test/real/${name}.test.ts`);

export default defineConfig({
  test: {
    reporters: ['default', './test/scripts/none-skipped.ts'],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/real/**', 'test/headers/**'],
          testTimeout: 30_000,
          // As many as there are cores: many of them wait, and one fewer, the default, is a single one on two cores.
          maxWorkers: '100%',
          sequence: { groupOrder: 1 },
        },
      },
      {
        // Real QEMU and real kernel interfaces: one file at a time, so that two guests never share the cores.
        test: {
          name: 'real',
          globalSetup: ['test/support/own-folders.ts'],
          include: ['test/real/**/*.test.ts', 'examples/testing/*.vitest.ts'],
          exclude: ['test/real/twin/**', ...waiting],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
      {
        // The same, two files at a time: none of them shares a core with a guest that needs one.
        test: {
          name: 'real-waiting',
          globalSetup: ['test/support/own-folders.ts'],
          include: waiting,
          testTimeout: 180_000,
          hookTimeout: 180_000,
          maxWorkers: 2,
          sequence: { groupOrder: 3 },
        },
      },
      {
        // Whole hosts, each with one thread at work most of the time. Nothing in them is timed, so two share the cores.
        test: {
          name: 'twin',
          include: ['test/real/twin/**/*.test.ts'],
          maxWorkers: 2,
          sequence: { groupOrder: 4 },
        },
      },
      ...(process.env.GPUVM_KERNEL_INCLUDE ? [headers] : []),
    ],
  },
});
