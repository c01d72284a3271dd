import * as z from 'zod';
import { address, count, regionSize, text } from '../../config/index.js';

const cell = z
  .int('must be a whole number')
  .min(0, 'must be 0 or more')
  .max(0xffff_ffff, 'must be of 32 bits');

/** A property's value: one of these keys. */
const valueKeys = {
  cells: z.array(cell).optional().describe('Numbers of 32 bits.'),
  bpmp: z.array(cell).optional().describe("A reference to the guest's BPMP, and what follows it."),
  strings: z.array(text).optional().describe('Texts.'),
  flag: z.literal(true).optional().describe('No value: that it is there says it.'),
};
const isOneValue = (value: Readonly<Record<string, unknown>>) =>
  Object.keys(valueKeys).filter((key) => value[key] !== undefined).length === 1;
const ONE_VALUE = 'must have one of cells, bpmp, strings, flag';

const reason = text.describe('Why, for whoever asks.');
const bareValue = z.strictObject(valueKeys).refine(isOneValue, ONE_VALUE);
const value = z.strictObject({ ...valueKeys, reason }).refine(isOneValue, ONE_VALUE);

const rules = z
  .record(text, text)
  .default({})
  .describe('Properties by name, `*` for anything, each with the reason.');
const values = z.record(text, value).default({});

const resource = text.describe(
  "Its name in the chip's tables, and what the driver calls it: GPUSYS as sysclk.",
);

const guest = z.strictObject({
  compatible: z.array(text).default([]).describe("The guest's, where the host's node is for a dummy driver."),
  within: text.optional().describe('The profile of the device that it lies in, where the VM has that too.'),
  children: z
    .union([z.enum(['all', 'none']), z.array(text)], 'must be all, none, or a list of names')
    .default('all')
    .describe('Which nodes below it go along.'),
  status: z
    .enum(['okay', 'as-host'])
    .default('okay')
    .describe("Whether it is switched on in any case, or as the host's tree has it."),
  alias: text.optional().describe('Its name in /aliases.'),
  drop: rules,
  keep: rules.describe('Kept although every other device loses it.'),
  set: values.describe('In the place of what the host has.'),
  add: values.describe("Where the host's tree has no node that says what the device is."),
  companions: z
    .record(
      text,
      z.strictObject({
        properties: z.record(text, bareValue),
        kernel: z
          .enum(['any', 'patched'])
          .default('any')
          .describe('Whether only kernels that are patched for the window get it.'),
        reason,
      }),
    )
    .default({})
    .describe('Nodes beside it that its driver looks for, by name and address.'),
});

const host = z
  .strictObject({
    outOf: text.optional().describe('The profile of the device that it is made anew outside of.'),
    stream: z
      .strictObject({
        iommu: text.describe('The label of the SMMU.'),
        id: text,
        instead: z.boolean().default(false).describe("Whether it takes the place of the host's tree's."),
        reason,
      })
      .optional()
      .describe("Its stream, where the host's tree has none."),
    drop: rules,
    disable: rules.describe('Nodes elsewhere that are switched off with it.'),
  })
  .prefault({});

const known = z.strictObject({
  source: text.describe('Where that is said.'),
  regions: z.array(z.strictObject({ address, size: regionSize, as: text.optional() })).default([]),
  interrupts: z.array(z.strictObject({ spi: count(0, 987), as: text.optional() })).default([]),
  clocks: z.array(resource).default([]),
  resets: z.array(resource).default([]),
  powerDomains: z.array(resource).default([]),
  unknown: z.array(text).default([]).describe('What is not known, for people.'),
});

const profile = z.strictObject({
  name: z
    .string('must be text')
    .regex(/^[a-z][a-z0-9-]{0,30}$/, 'must be small letters, digits and "-"')
    .describe("What it is called; one of gpuvm's own of that name is replaced."),
  about: text.describe('What the device is.'),
  match: z.strictObject({
    compatible: z.array(text).default([]).describe("What the host's node is compatible with."),
    nodes: z.array(text).min(1, 'must name a node').describe('Names of nodes without their addresses.'),
  }),
  guest,
  host,
  known: known.optional().describe("What is known of it without a host's tree."),
});

/** A file of profiles as it is written. */
export const profileFileSchema = z.strictObject({ profiles: z.array(profile) });

export type WrittenProfileFile = z.output<typeof profileFileSchema>;
