import { LINK_TYPE } from './pcapng/numbers.js';
import { interfaceDescription, interfaceStatistics, sectionHeader } from './pcapng/write.js';
import type { TransferRecord } from './transfer.js';
import { type BlockExtras, transferBlock } from './transfer-block.js';

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

interface Counts {
  readonly interface: number;
  startNs: bigint;
  endNs: bigint;
  received: number;
  dropped: number;
}

/** A capture as bytes, piece by piece: `header()`, `add()` for each transfer, `end()`. */
export class CaptureWriter {
  readonly #options: WriterOptions;
  #vms = new Map<string, Counts>();

  constructor(options: WriterOptions = {}) {
    this.#options = options;
  }

  /** The section's header and the VMs known by now. May be called again, for the next file. */
  header(): Uint8Array {
    const { program = 'gpuvm', hardware, os, vms = [] } = this.#options;
    const known = [...vms, ...[...this.#vms.keys()].map((name) => ({ name }))];
    this.#vms = new Map();
    return join([sectionHeader({ program, hardware, os }), ...known.map((vm) => this.#describe(vm))]);
  }

  add(record: TransferRecord, extras: Omit<BlockExtras, 'interface'> = {}): Uint8Array {
    const known = this.#vms.get(record.vm);
    const description = known ? undefined : this.#describe({ name: record.vm });
    const counts = known ?? (this.#vms.get(record.vm) as Counts);
    count(counts, 1, extras.dropped ?? 0, record.timeNs, record.timeNs);
    const bytes = transferBlock(record, { ...extras, interface: counts.interface });
    return description ? join([description, bytes]) : bytes;
  }

  /** What was received and lost of each VM, as blocks; nothing should follow but another section. */
  end(): Uint8Array {
    return join([...this.#vms.values()].map((counts) => interfaceStatistics(counts)));
  }

  #describe(vm: CapturedVm): Uint8Array {
    if (this.#vms.has(vm.name)) return new Uint8Array(0);
    this.#vms.set(vm.name, { interface: this.#vms.size, startNs: 0n, endNs: 0n, received: 0, dropped: 0 });
    return interfaceDescription(LINK_TYPE, vm);
  }
}

function count(counts: Counts, received: number, dropped: number, firstNs: bigint, lastNs: bigint): void {
  if (counts.received === 0) counts.startNs = firstNs;
  if (lastNs > counts.endNs) counts.endNs = lastNs;
  counts.received += received + dropped;
  counts.dropped += dropped;
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts);
}
