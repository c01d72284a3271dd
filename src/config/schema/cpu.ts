import * as z from 'zod';
import { text, writtenOrNumber } from './values.js';

const SMP = 'must be a number of CPUs from 1 to 512, or text for -smp';
/** `4`, `4,sockets=1`, `cores=2,threads=2`. */
const SMP_TEXT = /^([0-9]{1,4}|[a-z]+=[0-9]{1,4})(,[a-z]+=[0-9]{1,4})*$/;
const isCount = (value: number) => Number.isInteger(value) && value >= 1 && value <= 512;

export const cpu = text.optional().describe("QEMU's -cpu.");

export const smp = z
  .union([z.number(), z.string()], SMP)
  .refine((value) => (typeof value === 'string' ? SMP_TEXT.test(value) : isCount(value)), SMP)
  .default(1)
  .describe("A number of CPUs, or QEMU's -smp.");

/** The kernel's limit on what a CPU mask holds (CONFIG_NR_CPUS) is 8192 at most. */
const MAX_CPU = 8191;

/** The CPUs of "2", "0-3,8", in order; undefined where it is no such list. */
export function parseCpuList(value: number | string): number[] | undefined {
  const cpus = new Set<number>();
  for (const range of String(value).split(',')) {
    const match = /^\s*(\d{1,4})(?:-(\d{1,4}))?\s*$/.exec(range);
    if (!match) return undefined;
    const [first, last] = [Number(match[1]), Number(match[2] ?? match[1])];
    if (last < first || last > MAX_CPU) return undefined;
    for (let cpu = first; cpu <= last; cpu++) cpus.add(cpu);
  }
  return [...cpus].sort((a, b) => a - b);
}

const cpuList = writtenOrNumber(
  parseCpuList,
  'a list of CPUs such as 2, "2-5" or "0,4-7"',
  '^\\s*[0-9]+(-[0-9]+)?\\s*(,\\s*[0-9]+(-[0-9]+)?\\s*)*$',
);

export const cpuPinning = z
  .strictObject({
    vcpus: z
      .array(cpuList)
      .min(1, 'must name the CPUs of at least one of the guest')
      .describe("The host's CPUs for each of the guest's, in order: one list for each."),
    emulator: cpuList.optional().describe("The host's CPUs for QEMU's other threads."),
  })
  .optional()
  .describe("Which of the host's CPUs the guest's run on.");

/**
 * How many CPUs a machine of this `smp` starts with, as QEMU counts; undefined where the text is not understood.
 * What is missing of sockets, cores and threads is 1 (a machine's own preference changes which, not how many).
 */
export function cpuCount(value: number | string): number | undefined {
  if (typeof value === 'number') return value;
  const parts = new Map<string, number>();
  for (const part of value.split(',')) {
    const match = /^(?:([a-z]+)=)?(\d{1,4})$/.exec(part);
    if (!match) return undefined;
    parts.set(match[1] ?? 'cpus', Number(match[2]));
  }
  const given = parts.get('cpus');
  if (given !== undefined) return given;
  const topology = ['drawers', 'books', 'sockets', 'dies', 'clusters', 'modules', 'cores', 'threads'];
  const product = topology.reduce((cpus, level) => cpus * (parts.get(level) ?? 1), 1);
  return topology.some((level) => parts.has(level)) ? product : parts.get('maxcpus');
}
