/** Numbers of the NBD protocol: https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md. All are big-endian. */
export const GREETING = Buffer.from('NBDMAGICIHAVEOPT');
export const OPTION_MAGIC = 0x49484156454f5054n;
export const OPTION_REPLY_MAGIC = 0x0003e889045565a9n;
export const REQUEST_MAGIC = 0x25609513;
export const REPLY_MAGIC = 0x67446698;

export const Handshake = { FIXED_NEWSTYLE: 1, NO_ZEROES: 2 } as const;
export const Option = { EXPORT_NAME: 1, ABORT: 2, INFO: 6, GO: 7 } as const;
export const OptionReply = { ACK: 1, INFO: 3, UNSUPPORTED: 0x80000001 } as const;
export const Info = { EXPORT: 0, BLOCK_SIZE: 3 } as const;
/** What the export can do: flushes, FUA, trimming, zeroes. */
export const EXPORT_FLAGS = 1 | 4 | 8 | 32 | 64;

export const Command = { READ: 0, WRITE: 1, DISCONNECT: 2, FLUSH: 3, TRIM: 4, WRITE_ZEROES: 6 } as const;
export const FUA = 1;
export const EINVAL = 22;

/** `type u16, size u64, flags u16`. */
export function exportInfo(sizeBytes: number): Buffer {
  const info = Buffer.alloc(12);
  info.writeUInt16BE(Info.EXPORT, 0);
  exportSize(sizeBytes).copy(info, 2);
  return info;
}

/** `size u64, flags u16`: also the answer to EXPORT_NAME. */
export function exportSize(sizeBytes: number): Buffer {
  const size = Buffer.alloc(10);
  size.writeBigUInt64BE(BigInt(sizeBytes), 0);
  size.writeUInt16BE(EXPORT_FLAGS, 8);
  return size;
}

/** `type u16, minimum u32, preferred u32, maximum u32`. */
export function blockSizes(minimum: number, preferred: number, maximum: number): Buffer {
  const info = Buffer.alloc(14);
  info.writeUInt16BE(Info.BLOCK_SIZE, 0);
  for (const [index, size] of [minimum, preferred, maximum].entries())
    info.writeUInt32BE(size, 2 + index * 4);
  return info;
}

export function optionReply(option: number, type: number, data: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(20);
  head.writeBigUInt64BE(OPTION_REPLY_MAGIC, 0);
  head.writeUInt32BE(option, 8);
  head.writeUInt32BE(type, 12);
  head.writeUInt32BE(data.length, 16);
  return Buffer.concat([head, data]);
}

export function reply(cookie: bigint, error: number, data: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(16);
  head.writeUInt32BE(REPLY_MAGIC, 0);
  head.writeUInt32BE(error, 4);
  head.writeBigUInt64BE(cookie, 8);
  return Buffer.concat([head, data]);
}

export interface Request {
  readonly flags: number;
  readonly command: number;
  readonly cookie: bigint;
  readonly offset: number;
  readonly length: number;
}

export const REQUEST_SIZE = 28;

/** Undefined where these bytes are no request. */
export function parseRequest(bytes: Buffer): Request | undefined {
  if (bytes.readUInt32BE(0) !== REQUEST_MAGIC) return undefined;
  return {
    flags: bytes.readUInt16BE(4),
    command: bytes.readUInt16BE(6),
    cookie: bytes.readBigUInt64BE(8),
    offset: Number(bytes.readBigUInt64BE(16)),
    length: bytes.readUInt32BE(24),
  };
}
