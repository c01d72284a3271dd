/**
 * Checks a backend's configuration as it stands in a VM file. A door of its own, so that a worker does not load the
 * checker.
 */
import * as z from 'zod';
import type { BackendConfig } from './create.js';
import type { SimulatedOptions } from './simulated/index.js';

const MAX_LATENCY_US = 60_000_000;
const U32 = 0xffff_ffff;
const latencyUs = z.number().nonnegative().max(MAX_LATENCY_US);
const u32 = z.int().min(0).max(U32);

const fault = z.strictObject({
  mrq: u32.describe('The MRQ that it is for, as a number.'),
  command: u32.optional().describe('The command that it is for; without one, any.'),
  id: u32.optional().describe('The clock, reset or domain that it is for; without one, any.'),
  ret: z.int().min(-4095).max(0).optional().describe('What is answered: a negative errno.'),
  hang: z.boolean().optional().describe('Whether no answer ever comes.'),
  latencyUs: latencyUs.optional().describe('How long the answer takes, in µs.'),
  every: z.int().positive().optional().describe('Only each so-manyth of these requests.'),
  times: z.int().positive().optional().describe('Only so often.'),
});

const thermalZone = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9_-]{1,39}$/, 'a zone is named in lower case, without spaces')
    .describe("The zone's name, such as cpu."),
  temperature: z
    .int()
    .min(-256_000)
    .max(256_000)
    .nullable()
    .describe('In thousandths of a degree Celsius; null where the zone is powered off.'),
  thermtrip: z.int().min(-256_000).max(256_000).optional().describe('Where the chip switches itself off.'),
});

const latencyRange = z
  .strictObject({
    min: latencyUs.describe('The least, in µs.'),
    max: latencyUs.describe('The most, in µs.'),
  })
  .refine(({ min, max }) => min <= max, 'a range of latencies runs from min to max');

export const simulatedOptionsSchema = z.strictObject({
  latencyUs: z
    .union([latencyUs, latencyRange])
    .optional()
    .describe('How long an answer takes, in µs, or between what bounds; by default it comes at once.'),
  faults: z
    .array(fault)
    .max(64)
    .optional()
    .describe('Requests that are answered otherwise; the first that matches is taken.'),
  thermalZones: z.array(thermalZone).max(32).optional().describe('The thermal zones.'),
  debugClocks: z.int().nonnegative().optional().describe('How many clocks have debug files.'),
  tag: z.string().max(32).optional().describe("The firmware's tag."),
  seed: z.int().optional().describe('For the drawing of latencies.'),
}) satisfies z.ZodType<SimulatedOptions>;

export const backendConfigSchema = z.discriminatedUnion('kind', [
  simulatedOptionsSchema.extend({
    kind: z.literal('simulated').describe('A model of the firmware, on any machine.'),
  }),
  z.strictObject({
    kind: z.literal('host-device').describe("The host kernel's proxy, on a Jetson."),
    path: z.string().min(1).default('/dev/bpmp-host').describe('The device.'),
    blocking: z.boolean().optional().describe("Whether transfers are made on the bridge's own thread."),
  }),
]) satisfies z.ZodType<BackendConfig>;
