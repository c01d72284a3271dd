import { entitiesOf, memberNames, type NamedSchema } from './ask.js';

/** Where the schemas differ: a name and the QEMUs that have it; what all of them have is not listed. */
export interface Versions {
  readonly schemas: readonly string[];
  readonly commands: Readonly<Record<string, readonly string[]>>;
  readonly events: Readonly<Record<string, readonly string[]>>;
  /** Arguments, returned members and event data at the top, as "command.argument", of what all QEMUs have. */
  readonly members: Readonly<Record<string, readonly string[]>>;
}

export function versionsOf(schemas: readonly NamedSchema[]): Versions {
  const commands = new Map<string, Set<string>>();
  const events = new Map<string, Set<string>>();
  const members = new Map<string, Set<string>>();
  const note = (map: Map<string, Set<string>>, name: string, label: string) =>
    map.set(name, (map.get(name) ?? new Set()).add(label));
  for (const schema of schemas) {
    for (const command of entitiesOf(schema, 'command')) {
      note(commands, command.name, schema.label);
      for (const name of memberNames(schema, command['arg-type']))
        note(members, `${command.name}(${name})`, schema.label);
      for (const name of memberNames(schema, command['ret-type']))
        note(members, `${command.name}.${name}`, schema.label);
    }
    for (const event of entitiesOf(schema, 'event')) {
      note(events, event.name, schema.label);
      for (const name of memberNames(schema, event['arg-type']))
        note(members, `${event.name}.${name}`, schema.label);
    }
  }
  const holders = (member: string) => {
    const owner = member.slice(0, member.search(/[(.]/));
    return (commands.get(owner) ?? events.get(owner))?.size;
  };
  return {
    schemas: schemas.map(({ label }) => label),
    commands: differing(commands, () => schemas.length),
    events: differing(events, () => schemas.length),
    members: differing(members, holders),
  };
}

function differing(
  map: ReadonlyMap<string, ReadonlySet<string>>,
  whole: (name: string) => number | undefined,
): Record<string, string[]> {
  const some = [...map].filter(([name, labels]) => labels.size !== whole(name));
  return Object.fromEntries(
    some.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, labels]) => [name, [...labels]]),
  );
}
