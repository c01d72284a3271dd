import { type DecodedReply, errorName } from '../../bpmp/wire/index.js';

/** `0` or `-1 (EPERM)` */
export function formatRet(ret: number): string {
  const name = errorName(ret);
  return name === undefined ? String(ret) : `${ret} (${name})`;
}

/** A reply's fields as indented lines. */
export function replyLines(reply: DecodedReply): string[] {
  const lines = Object.entries(reply.fields).map(([name, value]) => `  ${name}: ${formatValue(value)}`);
  if (reply.reason !== undefined) lines.push(`  (${reply.reason})`);
  if (reply.bytes) lines.push(`  bytes: ${reply.bytes}`);
  return lines;
}

/** A field's value in one line; a name stands before its number. */
export function formatValue(value: unknown): string {
  if (typeof value !== 'object' || value === null)
    return typeof value === 'string' ? JSON.stringify(value) : String(value);
  if (Array.isArray(value)) return `[${value.map(formatValue).join(', ')}]`;
  const { id, name, ...others } = value as Record<string, unknown>;
  if (typeof name === 'string' && Object.keys(others).length === 0) return `${name} (${id})`;
  const entries = Object.entries(value).map(([key, inner]) => `${key}: ${formatValue(inner)}`);
  return `{ ${entries.join(', ')} }`;
}
