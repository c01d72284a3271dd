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
  mrq: u32,
  command: u32.optional(),
  id: u32.optional(),
  ret: z.int().min(-4095).max(0).optional(),
  hang: z.boolean().optional(),
  latencyUs: latencyUs.optional(),
  every: z.int().positive().optional(),
  times: z.int().positive().optional(),
});

const thermalZone = z.strictObject({
  name: z.string().regex(/^[a-z0-9_-]{1,39}$/, 'a zone is named in lower case, without spaces'),
  temperature: z.int().min(-256_000).max(256_000).nullable(),
  thermtrip: z.int().min(-256_000).max(256_000).optional(),
});

const latencyRange = z
  .strictObject({ min: latencyUs, max: latencyUs })
  .refine(({ min, max }) => min <= max, 'a range of latencies runs from min to max');

export const simulatedOptionsSchema = z.strictObject({
  latencyUs: z.union([latencyUs, latencyRange]).optional(),
  faults: z.array(fault).max(64).optional(),
  thermalZones: z.array(thermalZone).max(32).optional(),
  debugClocks: z.int().nonnegative().optional(),
  tag: z.string().max(32).optional(),
  seed: z.int().optional(),
}) satisfies z.ZodType<SimulatedOptions>;

export const backendConfigSchema = z.discriminatedUnion('kind', [
  simulatedOptionsSchema.extend({ kind: z.literal('simulated') }),
  z.strictObject({
    kind: z.literal('host-device'),
    path: z.string().min(1).default('/dev/bpmp-host'),
    blocking: z.boolean().optional(),
  }),
]) satisfies z.ZodType<BackendConfig>;
