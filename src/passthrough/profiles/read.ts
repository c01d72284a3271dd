import * as z from 'zod';
import { readChecked, readText } from '../../config/index.js';
import { resources } from './define.js';
import type { DeviceProfile, ProfileValue, PropertyRule, PropertyValue } from './profile.js';
import { profileFileSchema, type WrittenProfileFile } from './schema.js';

/** Reads a file of profiles. Throws GPUVM_FILE where it cannot be read, GPUVM_CONFIG where it is wrong. */
export async function readProfiles(file: string): Promise<DeviceProfile[]> {
  return parseProfiles(await readText(file, 'file of profiles'), file);
}

export function parseProfiles(text: string, file: string): DeviceProfile[] {
  return readChecked(text, file, profileFileSchema, 'file of profiles').data.profiles.map(asProfile);
}

/** The JSON Schema of such a file, for editors. */
export function profileJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(profileFileSchema, {
    io: 'input',
    target: 'draft-7',
    unrepresentable: 'any',
  });
  return { $schema: schema.$schema, title: 'Profiles of devices for gpuvm', ...schema };
}

type Written = WrittenProfileFile['profiles'][number];
type WrittenValue = Partial<Record<'cells' | 'bpmp', number[] | undefined>> & {
  strings?: string[] | undefined;
};

function asProfile({ name, about, match, guest, host, known }: Written): DeviceProfile {
  const { within, alias } = guest;
  const { outOf, stream } = host;
  return {
    name,
    about,
    match,
    guest: {
      compatible: guest.compatible,
      children: guest.children,
      status: guest.status,
      ...(within !== undefined && { within }),
      ...(alias !== undefined && { alias }),
      drop: rulesOf(guest.drop),
      keep: rulesOf(guest.keep),
      set: valuesOf(guest.set),
      add: valuesOf(guest.add),
      companions: Object.entries(guest.companions).map(([node, { properties, kernel, reason }]) => ({
        node,
        reason,
        ...(kernel === 'patched' && { isForPatched: true as const }),
        properties: Object.fromEntries(
          Object.entries(properties).map(([property, value]) => [property, profileValue(value)]),
        ),
      })),
    },
    host: {
      ...(outOf !== undefined && { outOf }),
      ...(stream && { stream: streamOf(stream) }),
      drop: rulesOf(host.drop),
      disable: Object.entries(host.disable).map(([node, reason]) => ({ node, reason })),
    },
    ...(known && {
      known: {
        source: known.source,
        regions: known.regions.map(({ address, size, as }) => ({ address, size, as })),
        interrupts: known.interrupts.map(({ spi, as }) => ({ spi, as })),
        clocks: resources(...known.clocks),
        resets: resources(...known.resets),
        powerDomains: resources(...known.powerDomains),
        unknown: known.unknown,
      },
    }),
  };
}

function streamOf({ iommu, id, instead, reason }: NonNullable<Written['host']['stream']>) {
  return { iommu, id, isInstead: instead, reason };
}

function rulesOf(rules: Readonly<Record<string, string>>): PropertyRule[] {
  return Object.entries(rules).map(([property, reason]) => ({ property, reason }));
}

function valuesOf(values: Readonly<Record<string, WrittenValue & { reason: string }>>): PropertyValue[] {
  return Object.entries(values).map(([property, { reason, ...value }]) => ({
    property,
    reason,
    value: profileValue(value),
  }));
}

function profileValue({ cells, bpmp, strings }: WrittenValue): ProfileValue {
  if (cells) return { cells };
  if (bpmp) return { bpmp };
  return strings ? { strings } : { flag: true };
}
