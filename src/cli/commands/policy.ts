import type { Command } from '../command.js';

export const policyCommands: readonly Command[] = [
  {
    path: 'policy check',
    summary: 'check a policy and say what it grants',
    args: [['<file>', 'the policy']],
    examples: ['gpuvm policy check examples/policies/gpu.yaml'],
    load: () => import('../policy-check.js'),
  },
];
