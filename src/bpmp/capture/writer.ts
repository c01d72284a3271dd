import { BlockType, LEAST_BLOCK, LINK_TYPE } from './pcapng/numbers.js';
import { interfaceDescription, interfaceStatistics, STATISTICS_SIZE, sectionHeader } from './pcapng/write.js';
import type { TransferRecord } from './transfer.js';
import { type BlockExtras, transferBlock, transferBlockSize } from './transfer-block.js';

/** A VM whose transfers a capture holds; in pcapng's words, an interface. */
export interface CapturedVm {
  readonly name: string;
  readonly description?: string;
}

export interface WriterOptions {
  /** What wrote it: `gpuvm 1.2.3`. */
  readonly program?: string;
  readonly hardware?: string;
  readonly os?: string;
  /** Those known beforehand; another is described where its first transfer comes. */
  readonly vms?: readonly CapturedVm[];
}

export type Extras = Omit<BlockExtras, 'interface'>;

interface Counts {
  readonly interface: number;
  startNs: bigint;
  endNs: bigint;
  received: number;
  dropped: number;
}

/** A capture as bytes, piece by piece: `header()`, `add()` for each transfer, `end()`; then `header()` of a next one, if any. */
export class CaptureWriter {
  readonly #options: WriterOptions;
  #vms = new Map<string, Counts>();

  constructor(options: WriterOptions = {}) {
    this.#options = options;
  }

  /** The section's header and the VMs known by now. */
  header(): Uint8Array {
    const { program = 'gpuvm', hardware, os, vms = [] } = this.#options;
    const known = [...vms, ...[...this.#vms.keys()].map((name) => ({ name }))];
    this.#vms = new Map();
    return join([sectionHeader({ program, hardware, os }), ...known.map((vm) => this.#describe(vm))]);
  }

  add(record: TransferRecord, extras: Extras = {}): Uint8Array {
    const known = this.#vms.get(record.vm);
    const description = known ? undefined : this.#describe({ name: record.vm });
    const counts = known ?? (this.#vms.get(record.vm) as Counts);
    count(counts, 1, extras.dropped ?? 0, record.timeNs);
    const bytes = transferBlock(record, { ...extras, interface: counts.interface });
    return description ? join([description, bytes]) : bytes;
  }

  /** How many bytes `add` would give. */
  sizeOf(record: TransferRecord, extras: Extras = {}): number {
    const { vm } = record;
    const inDescription = this.#vms.has(vm) ? 0 : interfaceDescription(LINK_TYPE, { name: vm }).length;
    return inDescription + transferBlockSize(record, extras);
  }

  /** Counts ready blocks of the first VM's transfers, which are put into the capture as they are. */
  count(blocks: Uint8Array, dropped = 0): void {
    const [counts] = this.#vms.values();
    if (counts === undefined) throw new RangeError('ready blocks need a VM that was given to the writer');
    const view = new DataView(blocks.buffer, blocks.byteOffset, blocks.length);
    this.lost(dropped);
    for (
      let at = 0;
      at + LEAST_BLOCK <= blocks.length;
      at += Math.max(LEAST_BLOCK, view.getUint32(at + 4, true))
    )
      if (view.getUint32(at, true) === BlockType.ENHANCED_PACKET) count(counts, 1, 0, timeOf(view, at));
  }

  /** Counts transfers of the first VM that were lost, and behind which none came. */
  lost(dropped: number): void {
    const [counts] = this.#vms.values();
    if (counts === undefined) return;
    counts.received += dropped;
    counts.dropped += dropped;
  }

  /** What was received and lost of each VM, as blocks. */
  end(): Uint8Array {
    return join([...this.#vms.values()].map((counts) => interfaceStatistics(counts)));
  }

  get endSize(): number {
    return this.#vms.size * STATISTICS_SIZE;
  }

  #describe(vm: CapturedVm): Uint8Array {
    if (this.#vms.has(vm.name)) return new Uint8Array(0);
    this.#vms.set(vm.name, { interface: this.#vms.size, startNs: 0n, endNs: 0n, received: 0, dropped: 0 });
    return interfaceDescription(LINK_TYPE, vm);
  }
}

function count(counts: Counts, received: number, dropped: number, timeNs: bigint): void {
  if (counts.startNs === 0n) counts.startNs = timeNs;
  if (timeNs > counts.endNs) counts.endNs = timeNs;
  counts.received += received + dropped;
  counts.dropped += dropped;
}

function timeOf(view: DataView, at: number): bigint {
  return (BigInt(view.getUint32(at + 12, true)) << 32n) | BigInt(view.getUint32(at + 16, true));
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts);
}
