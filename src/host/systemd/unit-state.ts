import { execFile } from 'node:child_process';
import { GpuvmError } from '../../errors.js';

/** What systemd knows of a service. */
export interface UnitState {
  /** Its cgroup below the hierarchy's root, such as `/system.slice/gpuvm-orin.service`; empty where it has none. */
  readonly controlGroup: string;
  /** How many descriptors lie in its store. */
  readonly storedDescriptors: number;
  /** Whether somebody asked for it to stop, also in order to start anew. */
  readonly isToStop: boolean;
}

const DEADLINE_MS = 10_000;
const PROPERTIES = ['ControlGroup', 'NFileDescriptorStore'];

/** Asks systemd. Throws GPUVM_SYSTEMD where it does not answer. */
export async function unitState(unit: string): Promise<UnitState> {
  const show = PROPERTIES.map((name) => `--property=${name}`);
  const [properties, jobs] = await Promise.all([
    systemctl(unit, ['show', ...show, '--', unit]),
    systemctl(unit, ['list-jobs', '--no-legend', '--plain', '--full']),
  ]);
  return parseUnitState(unit, properties, jobs);
}

/** `properties` as `systemctl show` prints them, `jobs` as `systemctl list-jobs`: number, unit, type, state. */
export function parseUnitState(unit: string, properties: string, jobs: string): UnitState {
  const values = new Map(
    properties.split('\n').map((line) => {
      const at = line.indexOf('=');
      return [line.slice(0, at), line.slice(at + 1).trim()];
    }),
  );
  return {
    controlGroup: values.get('ControlGroup') ?? '',
    storedDescriptors: Number.parseInt(values.get('NFileDescriptorStore') ?? '', 10) || 0,
    // A reload may still be under way when the supervisor that it asked to go is gone.
    isToStop: jobs.split('\n').some((line) => {
      const [, whose, type] = line.trim().split(/\s+/);
      return whose === unit && (type === 'stop' || type === 'restart');
    }),
  };
}

function systemctl(unit: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile('systemctl', args, { timeout: DEADLINE_MS }, (error, stdout, stderr) => {
      if (!error) return resolve(stdout);
      const why = stderr.trim() || error.message;
      reject(new GpuvmError('GPUVM_SYSTEMD', `systemctl cannot tell of ${unit}: ${why}`, { cause: error }));
    });
  });
}
