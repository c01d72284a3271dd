import { existsSync, readFileSync, rmSync } from 'node:fs';
import { recover, stateFolders } from '../../../../src/journal/index.js';
import { here } from './in-process.js';
import { type Ended, gpuvm } from './processes.js';
import { shared } from './report.js';
import { differences, driver, names, override, state } from './sysfs.js';

/** The other moments differ from these in what is on the disk by less than a record: the fake kernel's tests have them all. */
const DECISIVE = /^once|^before done|^with half of (journal|kept)/;
const MOMENTS = '/run/moments';

/** `gpuvm devices bind` killed with SIGKILL at each of its moments, and recovered from. */
export async function kills(name: string, before: Record<string, string>) {
  const undisturbed = await bindKilledAt(name, -1);
  const unbind = await here('devices', 'unbind');
  const moments = existsSync(MOMENTS) ? readFileSync(MOMENTS, 'utf8').trim().split('\n') : [];
  const lives: object[] = [];
  for (const [at, moment] of moments.entries()) {
    if (!DECISIVE.test(moment)) continue;
    const killed = await bindKilledAt(name, at);
    const found = { driver: driver(name), override: override(name) };
    // By the command where a step was announced; else by what the command calls, which saves a start of Node.
    const byCommand = /^once do /.test(moment);
    const recovered = byCommand
      ? await gpuvm(['recover', '--json'])
      : await recover({ folders: stateFolders() });
    lives.push({
      moment,
      signal: killed.signal,
      found,
      byCommand,
      recovered,
      // Meant to stay, once that is on the disk: `devices unbind` is the way back then.
      ...(names('/var/lib/gpuvm/journal').length > 0 ? { unbind: await here('devices', 'unbind') } : {}),
      left: differences(before, state()),
    });
  }
  return { undisturbed, unbind, lives };
}

export interface KilledLife {
  readonly moment: string;
  readonly signal: string | null;
  readonly found: { readonly driver: string | null; readonly override: string | null };
  readonly byCommand: boolean;
  readonly recovered: unknown;
  readonly unbind?: Ended;
  readonly left: readonly string[];
}

export interface Kills {
  readonly undisturbed: Ended;
  readonly unbind: Ended;
  readonly lives: readonly KilledLife[];
}

function bindKilledAt(name: string, at: number): Promise<Ended> {
  rmSync(MOMENTS, { force: true });
  const env = {
    NODE_OPTIONS: `--require ${shared}/kill-at.cjs`,
    KILL_AT: String(at),
    ...(at < 0 ? { KILL_LOG: MOMENTS } : {}),
  };
  return gpuvm(['devices', 'bind', name], { env });
}
