import type { CommandModule } from '../command.js';
import { targetOf } from './target.js';

/** `gpuvm pause`, `resume` or `reset`. */
export function acting(what: 'pause' | 'resume' | 'reset'): CommandModule {
  return {
    async run({ args: [word] }, { stdout, stderr, json }) {
      const { name, client } = await targetOf(word!);
      const status = await client[what]();
      if (json) stdout.json(status);
      else stderr.line(`gpuvm: ${name}: ${what === 'reset' ? `reset, ${status.state}` : status.state}`);
      return 0;
    },
  };
}
