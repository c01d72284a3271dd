import { spawn } from 'node:child_process';
import type { VmConfig } from '../config/index.js';
import { GpuvmError } from '../errors.js';
import { cannotStart } from './ask.js';

/** A region of a machine's memory as `info mtree` has it; containers and what lies in them both. */
export interface MachineRegion {
  readonly name: string;
  readonly address: bigint;
  /** In bytes. */
  readonly size: bigint;
}

const DEADLINE_MS = 20_000;
const MAX_OUTPUT_BYTES = 4 * 1024 * 1024;
/** Where regions are does not follow from the CPU or the RAM's size; a machine for KVM is looked at without it. */
const ACCELERATOR = /,(accel|kernel[-_]irqchip|gic-version)=[^,]*/g;

const commands = [
  { execute: 'qmp_capabilities' },
  { execute: 'human-monitor-command', arguments: { 'command-line': 'info mtree' } },
  { execute: 'quit' },
];

/**
 * Where this QEMU has what in the VM file's machine, asked of a machine that is made and never runs. Throws
 * GPUVM_QEMU_START where there is no such QEMU, GPUVM_QEMU_UNSUITABLE where it makes no such machine.
 */
export async function askRegions(
  config: Pick<VmConfig, 'machine' | 'qemu'>,
  deadlineMs = DEADLINE_MS,
): Promise<readonly MachineRegion[]> {
  const { machine, qemu } = config;
  const args = [
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-S', '-qmp', 'stdio'],
    ...['-machine', `${machine}`.replace(ACCELERATOR, ''), '-m', '128M'],
  ];
  const { stdout, stderr } = await talk(qemu.binary, args, deadlineMs);
  const tree = answerIn(stdout);
  if (tree === undefined) {
    const said = stderr.trim().split('\n').at(-1);
    throw new GpuvmError(
      'GPUVM_QEMU_UNSUITABLE',
      `${qemu.binary} does not say what the machine ${machine} is made of${said ? `: ${said}` : ''}`,
      { details: { binary: qemu.binary, args, stderr } },
    );
  }
  return parseRegions(tree);
}

/** The regions of the address space `memory`, in the order of the text. */
export function parseRegions(output: string): MachineRegion[] {
  const tree = output.replaceAll('\r', '');
  const start = tree.search(/^address-space: memory$/m);
  const rest = start < 0 ? tree : tree.slice(start + 1);
  const end = rest.search(/^\s*$|^address-space: /m);
  const part = end < 0 ? rest : rest.slice(0, end);
  return [...part.matchAll(/^ {2,}([0-9a-f]{16})-([0-9a-f]{16}) \(prio [^)]*\): (.+)$/gm)].map(
    ([, first, last, name]) => ({
      name: name!,
      address: BigInt(`0x${first}`),
      size: BigInt(`0x${last}`) - BigInt(`0x${first}`) + 1n,
    }),
  );
}

function talk(
  binary: string,
  args: readonly string[],
  deadlineMs: number,
): Promise<{ stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(binary, args, {
      timeout: deadlineMs,
      killSignal: 'SIGKILL',
      env: { ...process.env, LC_ALL: 'C' },
    });
    const texts = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const)
      child[name].setEncoding('utf8').on('data', (chunk: string) => {
        texts[name] += chunk;
        if (texts[name].length > MAX_OUTPUT_BYTES) child.kill('SIGKILL');
      });
    child.once('error', (error) => reject(cannotStart(binary, error)));
    child.once('close', () => resolve(texts));
    // One that has ended already says why on stderr.
    child.stdin.on('error', () => {});
    child.stdin.end(commands.map((command) => `${JSON.stringify(command)}\n`).join(''));
  });
}

/** The text among QMP's answers. */
function answerIn(output: string): string | undefined {
  for (const line of output.split('\n')) {
    try {
      const { return: answer } = JSON.parse(line) as { return?: unknown };
      if (typeof answer === 'string') return answer;
    } catch {}
  }
  return undefined;
}
