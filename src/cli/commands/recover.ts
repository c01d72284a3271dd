import type { Command } from '../command.js';

export const recoverCommands: readonly Command[] = [
  {
    path: 'recover',
    summary: 'put the host right after a run that could not do it itself',
    description: `Undoes the changes in every journal whose owner is gone. It can be run at any time, at each boot too, and again
where it was interrupted. What a living VM has is left alone.`,
    options: [
      ['--dry-run', 'say what would be undone, and do nothing'],
      ['--vm <name>', "only this VM's"],
      ['--force <name>', "also what this VM's run, or `gpuvm devices bind` (named devices), meant to stay"],
      ['--sysroot <folder>', 'where /sys, /proc and /dev are (default: /)'],
      [
        '--state-dir <folder>',
        'where journals and locks are (default: GPUVM_STATE_DIR, or /var/lib/gpuvm and /run/gpuvm)',
      ],
    ],
    examples: ['gpuvm recover', 'gpuvm recover --dry-run', 'gpuvm recover --force devices'],
    load: () => import('../recover.js'),
  },
];
