import { BpmpError, I2cCommand } from '../../wire/index.js';
import { type Reply, u16, u32 } from './bytes.js';

/** The bus that a Tegra234's firmware owns (PWR_I2C). */
const BUS = 5;
/** Where the one simulated device sits: 256 registers, the first byte written is the register, reads go on from it. */
const DEVICE = 0x3c;
const FLAG_READ = 0x0001;
const FLAG_TEN_BIT = 0x0010;
const FLAG_IGNORE_NAK = 0x1000;
const HEADER = 12;
const SEGMENT_HEADER = 6;
const MAX_IN = 108;
const MAX_OUT = 116;

/** MRQ_I2C. */
export class I2c {
  readonly registers = new Uint8Array(256).map((_, index) => 0xa0 ^ index);
  private register = 0;

  handle(tx: Uint8Array, reply: Reply): number {
    if (tx.length < HEADER) return BpmpError.EINVAL;
    if (u32(tx, 0) !== I2cCommand.XFER) return BpmpError.EBADCMD;
    if (u32(tx, 4) !== BUS) return BpmpError.ENODEV;
    const end = HEADER + u32(tx, 8);
    const readSize = end <= tx.length ? this.check(tx, end) : -1;
    if (readSize < 0) return BpmpError.EINVAL;
    reply.u32(readSize);
    for (let at = HEADER; at < end; ) {
      const flags = u16(tx, at + 2);
      const length = u16(tx, at + 4);
      const present = u16(tx, at) === DEVICE && (flags & FLAG_TEN_BIT) === 0;
      if (!present && (flags & FLAG_IGNORE_NAK) === 0) return BpmpError.ENXIO;
      at += SEGMENT_HEADER;
      if (flags & FLAG_READ) {
        for (let index = 0; index < length; index++) reply.u8(present ? this.read() : 0xff);
      } else {
        if (present) this.write(tx, at, length);
        at += length;
      }
    }
    return 0;
  }

  /** How many bytes the segments read, or -1 where they are not well formed. */
  private check(tx: Uint8Array, end: number): number {
    if (end > HEADER + MAX_IN) return -1;
    let readSize = 0;
    let at = HEADER;
    while (at < end) {
      if (at + SEGMENT_HEADER > end) return -1;
      const length = u16(tx, at + 4);
      const reads = (u16(tx, at + 2) & FLAG_READ) !== 0;
      if (reads) readSize += length;
      at += SEGMENT_HEADER + (reads ? 0 : length);
    }
    return at > end || readSize > MAX_OUT ? -1 : readSize;
  }

  private read(): number {
    const value = this.registers[this.register]!;
    this.register = (this.register + 1) & 0xff;
    return value;
  }

  private write(tx: Uint8Array, at: number, length: number): void {
    for (let index = 0; index < length; index++) {
      if (index === 0) this.register = tx[at]!;
      else {
        this.registers[this.register] = tx[at + index]!;
        this.register = (this.register + 1) & 0xff;
      }
    }
  }
}
