import { BpmpError, ResetCommand, type ResourceTable } from '../../wire/index.js';
import { type Reply, u32 } from './bytes.js';
import { ModelMemory } from './model-memory.js';

/** What firmware and bootloader have let out of reset before a guest starts: what the host itself lives on. */
const RELEASED = /^(?:ACTMON|GPCDMA|PEX_USB_UPHY|UART|SDMMC|QSPI|I2C|TSEC|SCE_ALL|RCE_ALL|XUSB_PADCTL|EQOS$)/;
const HOLE = 2;

/** MRQ_RESET: one line per id, asserted (1) or not (0). */
export class Resets {
  readonly lines: Uint8Array;

  constructor(
    private readonly table: ResourceTable,
    memory = new ModelMemory(),
  ) {
    this.lines = memory.take(Uint8Array, table.maxId + 1);
    if (memory.goesOn) return;
    this.lines.fill(HOLE);
    for (const id of table.ids) this.lines[id] = RELEASED.test(table.nameOf(id)!) ? 0 : 1;
  }

  handle(tx: Uint8Array, reply: Reply): number {
    if (tx.length < 8) return BpmpError.EINVAL;
    const command = u32(tx, 0);
    if (command === ResetCommand.GET_MAX_ID) {
      reply.u32(this.lines.length - 1);
      return 0;
    }
    if (command < ResetCommand.ASSERT || command > ResetCommand.MODULE) return BpmpError.EBADCMD;
    const id = u32(tx, 4);
    if (id >= this.lines.length || this.lines[id] === HOLE) return BpmpError.EINVAL;
    // MODULE is a pulse, and ends with the line released.
    this.lines[id] = command === ResetCommand.ASSERT ? 1 : 0;
    return 0;
  }

  /** Names of the lines that are asserted, by id. */
  asserted(): string[] {
    return this.table.ids.filter((id) => this.lines[id] === 1).map((id) => this.table.nameOf(id)!);
  }
}
