/** Options that several commands have. */
export const device = ['--device <path>', "the host's BPMP device (default: /dev/bpmp-host)"] as const;
export const simulated = ['--simulated', 'ask a BPMP model instead of a device'] as const;
export const watch = ['--watch', 'print each request by name with its verdict as it happens'] as const;
export const learned = [
  '--learned <file>',
  'with `mode: learn`, write the policy that was learned to this file',
] as const;
export const policy = ['--policy <file>', 'the policy that decides', true] as const;
export const capture = ['--capture <file>', 'keep every transfer in this file, as pcapng'] as const;
