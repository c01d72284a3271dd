/**
 * What must not be written down of what goes over a monitor: passwords and keys in arguments, and what is typed into
 * the guest, which may be one. Names of secrets (`password-secret`, `key-secret`) are kept: they are ids, not secrets.
 */
export const REDACTED = '[redacted]';

/** Members that hold a secret wherever they are. */
const SECRET_MEMBER = /^(password|passwd|passphrase|secret|token)$/i;

/** Members that hold one in these commands alone. */
const SECRET_ARGUMENTS: Readonly<Record<string, readonly string[]>> = {
  'send-key': ['keys'],
  'input-send-event': ['events'],
  'ringbuf-write': ['data'],
  'sev-inject-launch-secret': ['packet-header', 'secret'],
};

/** Properties of objects (`object-add`, `qom-set`) that hold a secret's value. */
const SECRET_PROPERTIES = new Set(['data', 'password', 'secret']);

/** The monitor's commands for people that take a password or what is typed, and what of the line may be kept. */
const SECRET_LINES: readonly RegExp[] = [
  /^(\s*set_password\s+\S+\s+).*/s,
  /^(\s*change\s+vnc\s+(?:password|passwd)\s+).*/s,
  /^(\s*block_passwd\s+\S+\s+).*/s,
  /^(\s*sendkey\s+).*/s,
  /^(\s*ringbuf_write\s+\S+\s+).*/s,
];
/** `-o password=…,secret=…,data=…` and the like within a line for people. */
const SECRET_OPTION = /\b(password|passwd|secret|data)=[^,\s]+/gi;

type Fields = Readonly<Record<string, unknown>>;

/** The arguments of `command` as they may be written down; the same object where nothing is to be hidden. */
export function redactArguments(command: string, args: object | undefined): object | undefined {
  if (args === undefined) return undefined;
  return redactValue(args, (key, value, holder) => {
    if (typeof value === 'string' && SECRET_MEMBER.test(key)) return REDACTED;
    if (SECRET_ARGUMENTS[command]?.includes(key)) return REDACTED;
    if (command === 'human-monitor-command' && key === 'command-line') return redactLine(String(value));
    if (command === 'object-add' && SECRET_PROPERTIES.has(key)) return REDACTED;
    if (command === 'qom-set' && key === 'value' && SECRET_PROPERTIES.has(String(holder.property)))
      return REDACTED;
    return value;
  }) as object;
}

/** A whole message, of either direction, as it may be written down. The default of transcripts. */
export function redactMessage(message: unknown): unknown {
  const request = fieldsOf(message);
  if (request === undefined) return message;
  const command = request.execute ?? request['exec-oob'];
  if (typeof command === 'string') {
    const args = fieldsOf(request.arguments);
    return args ? { ...request, arguments: redactArguments(command, args) } : message;
  }
  return redactValue(message, (key, value) =>
    typeof value === 'string' && SECRET_MEMBER.test(key) ? REDACTED : value,
  );
}

function redactLine(line: string): string {
  for (const pattern of SECRET_LINES) {
    if (pattern.test(line)) return line.replace(pattern, `$1${REDACTED}`);
  }
  return line.replace(SECRET_OPTION, `$1=${REDACTED}`);
}

function redactValue(
  value: unknown,
  replace: (key: string, value: unknown, holder: Fields) => unknown,
): unknown {
  if (Array.isArray(value)) return value.map((item) => redactValue(item, replace));
  const fields = fieldsOf(value);
  if (fields === undefined) return value;
  return Object.fromEntries(
    Object.entries(fields).map(([key, member]) => {
      const replaced = replace(key, member, fields);
      return [key, replaced === member ? redactValue(member, replace) : replaced];
    }),
  );
}

function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}
