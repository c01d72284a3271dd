import { setTimeout as sleep } from 'node:timers/promises';
import { GpuvmError } from '../../errors.js';
import { BpmpError, Mrq } from '../wire/index.js';
import type { Firmware } from './firmware.js';

/** An entry of a directory of the firmware's debug tree. */
export interface DebugEntry {
  readonly name: string;
  readonly kind: 'directory' | 'file';
  readonly readable: boolean;
  readonly writable: boolean;
}

/** `DEBUGFS_S_ISDIR`, `_IRUSR`, `_IWUSR`. */
const Attribute = { DIRECTORY: 0x200, READ: 0x100, WRITE: 0x80 } as const;
const MOST_BYTES = 16 * 1024 * 1024;
/** The firmware has one file open at a time, for all who use it: another's is closed soon. */
const BUSY_TRIES = 20;
const BUSY_MS = 50;

/** The entries of a directory, in the firmware's order. */
export async function listDirectory(firmware: Firmware, path: string): Promise<DebugEntry[]> {
  const bytes = await readDebugFile(firmware, path.endsWith('/') ? path : `${path}/`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries: DebugEntry[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 < bytes.length ? bytes.indexOf(0, at + 4) : -1;
    if (end < 0) throw new GpuvmError('GPUVM_INSPECT', `${path}: its listing breaks off at byte ${at}`);
    const attributes = view.getUint32(at, true);
    entries.push({
      name: Buffer.from(bytes.subarray(at + 4, end)).toString('latin1'),
      kind: attributes & Attribute.DIRECTORY ? 'directory' : 'file',
      readable: (attributes & Attribute.READ) !== 0,
      writable: (attributes & Attribute.WRITE) !== 0,
    });
    at = end + 1;
  }
  return entries;
}

/** A file's bytes, however long it is; the descriptor is closed whatever happens. */
export async function readDebugFile(firmware: Firmware, path: string): Promise<Uint8Array> {
  const fd = await open(firmware, path);
  try {
    const parts: Buffer[] = [];
    for (let length = 0; length < MOST_BYTES; ) {
      const { data } = await firmware.need(debug('READ', { fd }), path);
      const part = Buffer.from(String(data ?? ''), 'latin1');
      if (part.length === 0) return Buffer.concat(parts);
      parts.push(part);
      length += part.length;
    }
    throw new GpuvmError('GPUVM_INSPECT', `${path} has more than ${MOST_BYTES} bytes`);
  } finally {
    await firmware.askOne(debug('CLOSE', { fd })).catch(() => undefined);
  }
}

async function open(firmware: Firmware, path: string): Promise<number> {
  for (let tries = 1; ; tries++) {
    const answer = await firmware.askOne(debug('OPEN_RO', { name: path }));
    if (answer.ok) return Number((answer.fields.fd as { id?: number }).id ?? answer.fields.fd);
    if (answer.ret === BpmpError.EBUSY && tries < BUSY_TRIES) {
      await sleep(BUSY_MS);
      continue;
    }
    throw new GpuvmError('GPUVM_INSPECT', await whyNot(firmware, path, answer), {
      details: { ret: answer.ret },
    });
  }
}

async function whyNot(
  firmware: Firmware,
  path: string,
  { ret, problem }: { readonly ret: number; readonly problem: string },
): Promise<string> {
  if (ret === BpmpError.ENOENT) return `the firmware has no ${path}`;
  if (ret === BpmpError.EBUSY)
    return `${path}: somebody else keeps a debug file open, and there is one at a time`;
  const hasMrq = async (mrq: number) => {
    const answer = await firmware.askOne({ mrq: 'QUERY_ABI', fields: { mrq } });
    return answer.ok && Number(answer.fields.status) === 0;
  };
  if (await hasMrq(Mrq.DEBUG)) return `${path}: ${problem}`;
  return (await hasMrq(Mrq.DEBUGFS))
    ? 'this firmware has debug files in the old form alone (DEBUGFS), whose requests name physical addresses: only a kernel can make them'
    : 'this firmware has no debug files';
}

function debug(command: string, fields: Readonly<Record<string, unknown>>) {
  return { mrq: 'DEBUG', command, fields };
}
