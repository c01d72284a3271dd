import { BpmpError, DebugCommand } from '../../wire/index.js';
import { type Reply, u32 } from './bytes.js';
import { type DebugDirectory, type DebugFile, findNode, isDirectory, listing } from './debug-tree.js';

/** What fits in one request or reply beside its header (`DEBUG_…_MAX_SZ`), in bytes. */
const READ_MAX = 116;
const WRITE_MAX = 108;

interface OpenFile {
  readonly fd: number;
  readonly path: string;
  readonly mode: 'read' | 'write';
  readonly data: Uint8Array;
  position: number;
  readonly file: DebugFile | undefined;
}

/**
 * MRQ_DEBUG. One file can be open at a time, as the ABI has it (`DEBUG_MAX_OPEN_FILES`), for all who share the
 * firmware; descriptors count up, so that a stale one is told apart (-EBADSLT). A write takes effect at once.
 */
export class Debug {
  private open: OpenFile | undefined;
  private nextFd = 1;

  constructor(private readonly root: DebugDirectory) {}

  handle(tx: Uint8Array, reply: Reply): number {
    if (tx.length < 4) return BpmpError.EINVAL;
    const command = u32(tx, 0);
    if (command === DebugCommand.OPEN_RO || command === DebugCommand.OPEN_WO) {
      return this.openFile(tx, command === DebugCommand.OPEN_WO, reply);
    }
    if (command > DebugCommand.CLOSE) return BpmpError.EBADCMD;
    if (tx.length < 8) return BpmpError.EINVAL;
    const open = this.open;
    if (open === undefined || open.fd !== u32(tx, 4)) return BpmpError.EBADSLT;
    if (command === DebugCommand.CLOSE) {
      this.open = undefined;
      return 0;
    }
    return command === DebugCommand.READ ? readFile(open, reply) : writeFile(open, tx);
  }

  /** Paths of the open files. */
  openFiles(): { path: string; mode: 'read' | 'write' }[] {
    return this.open ? [{ path: this.open.path, mode: this.open.mode }] : [];
  }

  private openFile(tx: Uint8Array, write: boolean, reply: Reply): number {
    const end = tx.indexOf(0, 4);
    if (end < 0) return BpmpError.EINVAL;
    const path = Buffer.from(tx.buffer, tx.byteOffset + 4, end - 4).toString('latin1');
    const node = findNode(this.root, path);
    if (node === undefined) return BpmpError.ENOENT;
    if (write && isDirectory(node)) return BpmpError.EISDIR;
    if (write && !isDirectory(node) && !node.write) return BpmpError.EACCES;
    if (this.open !== undefined) return BpmpError.EBUSY;
    const data = write
      ? new Uint8Array()
      : isDirectory(node)
        ? listing(node)
        : Buffer.from(node.read(), 'latin1');
    const fd = this.nextFd;
    this.nextFd = (fd + 1) >>> 0 || 1;
    const file = isDirectory(node) ? undefined : node;
    this.open = { fd, path, mode: write ? 'write' : 'read', data, position: 0, file };
    reply.u32(fd);
    reply.u32(write ? WRITE_MAX : data.length);
    return 0;
  }
}

function readFile(open: OpenFile, reply: Reply): number {
  if (open.mode !== 'read') return BpmpError.EACCES;
  const length = Math.min(READ_MAX, open.data.length - open.position);
  reply.u32(length);
  reply.copy(open.data, open.position, length);
  open.position += length;
  return 0;
}

function writeFile(open: OpenFile, tx: Uint8Array): number {
  if (open.mode !== 'write') return BpmpError.EACCES;
  if (tx.length < 12) return BpmpError.EINVAL;
  const length = u32(tx, 8);
  if (length > WRITE_MAX || 12 + length > tx.length) return BpmpError.EINVAL;
  const text = Buffer.from(tx.buffer, tx.byteOffset + 12, length).toString('latin1');
  return open.file!.write!(text);
}
