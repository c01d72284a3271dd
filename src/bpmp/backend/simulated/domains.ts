import { BpmpError, PgCommand, type ResourceTable } from '../../wire/index.js';
import { type Reply, u32 } from './bytes.js';
import { ModelMemory } from './model-memory.js';

/** Domains that the bootloader leaves on: its display and its USB. */
const POWERED = /^(?:DISP|XUSB[AC])$/;
const HOLE = 2;
/** `MRQ_PG_NAME_MAXLEN`. */
const NAME_SIZE = 40;

/** MRQ_PG: one power domain per id, off (0) or on (1), as the CPU last asked. */
export class Domains {
  readonly states: Uint8Array;
  private readonly names: readonly (Uint8Array | undefined)[];

  constructor(
    private readonly table: ResourceTable,
    memory = new ModelMemory(),
  ) {
    this.states = memory.take(Uint8Array, table.maxId + 1);
    if (!memory.goesOn) this.states.fill(HOLE);
    const names: (Uint8Array | undefined)[] = new Array(this.states.length).fill(undefined);
    for (const id of table.ids) {
      const name = table.nameOf(id)!;
      if (!memory.goesOn) this.states[id] = POWERED.test(name) ? 1 : 0;
      names[id] = new Uint8Array(NAME_SIZE);
      new TextEncoder().encodeInto(name.toLowerCase(), names[id].subarray(0, NAME_SIZE - 1));
    }
    this.names = names;
  }

  handle(tx: Uint8Array, reply: Reply): number {
    if (tx.length < 8) return BpmpError.EINVAL;
    const command = u32(tx, 0);
    const id = u32(tx, 4);
    switch (command) {
      case PgCommand.QUERY_ABI:
        if (tx.length < 12) return BpmpError.EINVAL;
        return u32(tx, 8) <= PgCommand.GET_MAX_ID ? 0 : BpmpError.ENODEV;
      case PgCommand.SET_STATE:
        if (!this.exists(id) || tx.length < 12 || u32(tx, 8) > 1) return BpmpError.EINVAL;
        this.states[id] = tx[8]!;
        return 0;
      case PgCommand.GET_STATE:
        if (!this.exists(id)) return BpmpError.EINVAL;
        reply.u32(this.states[id]!);
        return 0;
      case PgCommand.GET_NAME:
        if (!this.exists(id)) return BpmpError.EINVAL;
        reply.copy(this.names[id]!, 0, NAME_SIZE);
        return 0;
      case PgCommand.GET_MAX_ID:
        reply.u32(this.states.length - 1);
        return 0;
      default:
        return BpmpError.EBADCMD;
    }
  }

  private exists(id: number): boolean {
    return id < this.states.length && this.states[id] !== HOLE;
  }

  /** Names of the domains that are on, by id. */
  on(): string[] {
    return this.table.ids.filter((id) => this.states[id] === 1).map((id) => this.table.nameOf(id)!);
  }
}
