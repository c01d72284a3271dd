import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { VfioMappingHandle } from '../../../src/native/index.js';
import type { VfioKernel } from '../../../src/vfio/device/kernel.js';
import { regionInfo, sparse, withCapabilities, words } from './bytes.js';

export const GPU = '0000:01:00.0';
export const AUDIO = '0000:01:00.1';

/** A host with two functions in group 7, as far as sysfs and /dev tell, with nodes of their own where asked for. */
export function fakeSysroot({
  cdev = false,
  group = true,
  iommu = cdev,
}: {
  cdev?: boolean;
  group?: boolean;
  iommu?: boolean;
} = {}): {
  root: string;
  remove(): void;
} {
  const root = mkdtempSync(join(tmpdir(), 'gpuvm-vfio-'));
  const make = (path: string) => mkdirSync(join(root, path), { recursive: true });
  const touch = (path: string) => writeFileSync(join(root, path), '');
  for (const path of [
    'dev/vfio/devices',
    'sys/bus/pci/drivers/vfio-pci',
    'sys/kernel/iommu_groups/7/devices',
  ])
    make(path);
  touch('dev/vfio/vfio');
  if (group) touch('dev/vfio/7');
  if (iommu) touch('dev/iommu');
  [GPU, AUDIO].forEach((name, at) => {
    const device = `sys/bus/pci/devices/${name}`;
    make(device);
    symlinkSync('../../../../bus/pci/drivers/vfio-pci', join(root, device, 'driver'));
    symlinkSync('../../../../kernel/iommu_groups/7', join(root, device, 'iommu_group'));
    symlinkSync(`../../../../bus/pci/devices/${name}`, join(root, 'sys/kernel/iommu_groups/7/devices', name));
    if (!cdev) return;
    make(`${device}/vfio-dev/vfio${at}`);
    writeFileSync(join(root, `${device}/vfio-dev/vfio${at}/uevent`), `DEVNAME=vfio/devices/vfio${at}\n`);
    writeFileSync(join(root, `${device}/vfio-dev/vfio${at}/dev`), `243:${at}\n`);
    touch(`dev/vfio/devices/vfio${at}`);
  });
  return { root, remove: () => rmSync(root, { recursive: true, force: true }) };
}

export function systemError(syscall: string, code: string): Error {
  return Object.assign(new Error(`${syscall}: ${code}`), { syscall, code, errno: 1 });
}

/** A mapping of bytes of this process, which remembers whether it is open. */
class FakeMapping implements VfioMappingHandle {
  readonly #view: DataView;
  readonly #name: string;
  readonly #kernel: FakeVfio;

  constructor(kernel: FakeVfio, name: string, bytes: number) {
    this.#kernel = kernel;
    this.#name = name;
    this.#view = new DataView(new ArrayBuffer(bytes));
    kernel.mapped.add(name);
    kernel.log.push(`map ${name}`);
  }

  read(offset: number | bigint, width: number): number | bigint {
    this.#kernel.accesses.push(`read${width} ${offset}`);
    const at = Number(offset);
    if (width === 8) return this.#view.getBigUint64(at, true);
    return width === 4
      ? this.#view.getUint32(at, true)
      : width === 2
        ? this.#view.getUint16(at, true)
        : this.#view.getUint8(at);
  }

  write(offset: number | bigint, width: number, value: number | bigint): void {
    this.#kernel.accesses.push(`write${width} ${offset} ${value}`);
    for (let at = 0; at < width; at++)
      this.#view.setUint8(Number(offset) + at, Number((BigInt(value) >> BigInt(at * 8)) & 0xffn));
  }

  copyOut(offset: number | bigint, into: Uint8Array, width: number): void {
    this.#kernel.accesses.push(`copyOut${width} ${offset}+${into.length}`);
    into.set(new Uint8Array(this.#view.buffer, Number(offset), into.length));
  }

  copyIn(offset: number | bigint, from: Uint8Array, width: number): void {
    this.#kernel.accesses.push(`copyIn${width} ${offset}+${from.length}`);
    new Uint8Array(this.#view.buffer).set(from, Number(offset));
  }

  buffer(): ArrayBuffer {
    return this.#view.buffer as ArrayBuffer;
  }

  close(): boolean {
    this.#kernel.mapped.delete(this.#name);
    this.#kernel.log.push(`unmap ${this.#name}`);
    return true;
  }
}

/** Records what is asked of the kernel, in its order, and can refuse any of it. */
export class FakeVfio {
  readonly log: string[] = [];
  readonly accesses: string[] = [];
  readonly mapped = new Set<string>();
  readonly open = new Map<number, string>();
  /** Thrown by the call of this name, once. */
  readonly refusals = new Map<string, Error>();
  /** Of the eventfds: signals that were not taken yet, and who is told. */
  readonly #events = new Map<number, { count: number; tell?: (events: number) => void }>();
  /** What the vectors' eventfds are. */
  vectors: number[] = [];
  /** A PCI function with a reset. */
  deviceFlags = 3;
  #next = 100;

  signal(vector: number, count = 1): void {
    const event = this.#events.get(this.vectors[vector]!)!;
    event.count += count;
    event.tell?.(1);
  }

  readonly kernel: VfioKernel = this.#make();

  #fd(name: string): number {
    const fd = this.#next++;
    this.open.set(fd, name);
    this.log.push(`open ${name}`);
    return fd;
  }

  #ask(name: string, ...about: unknown[]): void {
    const refusal = this.refusals.get(name);
    this.refusals.delete(name);
    this.log.push([name, ...about].join(' '));
    if (refusal) throw refusal;
  }

  #make(): VfioKernel {
    const self: FakeVfio = this;
    const iommu = withCapabilities(new Uint8Array([...words(24, 3, 0x1000n, 0), 0, 0, 0, 0]), 16, [
      { id: 1, data: words(1, 0, 0n, 0xffff_ffffn) },
    ]);
    const regions = [
      regionInfo({ index: 0, flags: 7, size: 0x4000n }),
      regionInfo({
        index: 1,
        flags: 7,
        size: 0x4000n,
        offset: 1n << 40n,
        capabilities: [sparse([0n, 0x1000n], [0x2000n, 0x1000n])],
      }),
      regionInfo({ index: 2, flags: 1, size: 0x100n, offset: 2n << 40n }),
      regionInfo({ index: 3, flags: 7, size: 1n << 33n, offset: 3n << 40n }),
    ];
    return {
      open: (path) => {
        const name = path.slice(path.lastIndexOf('/dev/'));
        const refusal = this.refusals.get(name);
        if (refusal) throw refusal;
        return this.#fd(name);
      },
      closeFd: (fd) => {
        if (!this.open.has(fd)) throw new Error(`${fd} is closed twice`);
        this.log.push(`close ${this.open.get(fd)}`);
        this.open.delete(fd);
      },
      pageSize: () => 4096,
      vfioApiVersion: () => 0,
      vfioCheckExtension: () => true,
      vfioSetIommu: () => this.#ask('VFIO_SET_IOMMU'),
      vfioIommuInfo: () => iommu,
      vfioGroupStatus: () => 1,
      vfioGroupSetContainer: () => this.#ask('VFIO_GROUP_SET_CONTAINER'),
      vfioGroupUnsetContainer: () => this.#ask('VFIO_GROUP_UNSET_CONTAINER'),
      vfioGroupDevice: (_group, name) => {
        this.#ask('VFIO_GROUP_GET_DEVICE_FD', name);
        return this.#fd(name);
      },
      vfioDeviceInfo: () => words(20, this.deviceFlags, 9, 3, 0),
      vfioDeviceReset: () => this.#ask('VFIO_DEVICE_RESET'),
      vfioRegionInfo: (_fd, index) => {
        if (regions[index] === undefined) throw systemError('VFIO_DEVICE_GET_REGION_INFO', 'EINVAL');
        return regions[index];
      },
      vfioRegionRead: (_fd, offset, into) => {
        this.accesses.push(`pread ${offset.toString(16)} ${into.length}`);
        return into.fill(0x5a).length;
      },
      vfioRegionWrite: (_fd, offset, bytes) => {
        this.accesses.push(`pwrite ${offset.toString(16)} ${Buffer.from(bytes).toString('hex')}`);
        return bytes.length;
      },
      vfioInterruptInfo: (_fd, index) => words(16, index === 0 ? 7 : 1, index, [1, 8, 0][index]!),
      vfioSetInterrupts: (_fd, flags, index, start, count, data) => {
        this.#ask('VFIO_DEVICE_SET_IRQS', flags, index, start, count);
        if (data) this.vectors = [...data];
      },
      vfioCreateDmaMemory: () => this.#fd('memory'),
      vfioMapDma: (_container, _mapping, iova, flags) =>
        this.#ask('VFIO_IOMMU_MAP_DMA', iova.toString(16), flags),
      vfioUnmapDma: (_container, iova, size) => {
        this.#ask('VFIO_IOMMU_UNMAP_DMA', iova.toString(16));
        return size;
      },
      vfioBindIommufd: () => {
        this.#ask('VFIO_DEVICE_BIND_IOMMUFD');
        return 1;
      },
      vfioAttachIommufd: () => this.#ask('VFIO_DEVICE_ATTACH_IOMMUFD_PT'),
      vfioDetachIommufd: () => this.#ask('VFIO_DEVICE_DETACH_IOMMUFD_PT'),
      iommufdAllocIoas: () => 2,
      iommufdIovaRanges: () => BigUint64Array.of(0n, 0xffff_ffffn, 0x1000n),
      iommufdMap: (_fd, _ioas, _mapping, iova, flags) =>
        this.#ask('IOMMU_IOAS_MAP', iova.toString(16), flags),
      iommufdUnmap: (_fd, _ioas, iova, size) => {
        this.#ask('IOMMU_IOAS_UNMAP', iova.toString(16));
        return size;
      },
      VfioMapping: class extends FakeMapping {
        constructor(fd: number, offset: bigint, bytes: bigint) {
          const refusal = self.refusals.get('mmap');
          if (refusal) throw refusal;
          // Of what is larger a test looks at the beginning only.
          const length = Number(bytes > 0x10000n ? 0x10000n : bytes);
          super(self, `${self.open.get(fd)} ${offset.toString(16)}+${bytes.toString(16)}`, length);
        }
      },
      eventfdCreate: () => {
        const fd = this.#fd('eventfd');
        this.#events.set(fd, { count: 0 });
        return fd;
      },
      eventfdDrain: (fd) => {
        const event = this.#events.get(fd)!;
        const { count } = event;
        event.count = 0;
        return count;
      },
      Readiness: class {
        readonly #event: { count: number; tell?: (events: number) => void };
        readonly #tell: (events: number) => void;

        constructor(fd: number, tell: (events: number) => void) {
          this.#event = self.#events.get(fd)!;
          this.#tell = tell;
        }

        watch(): void {
          this.#event.tell = this.#tell;
        }

        close(): void {
          delete this.#event.tell;
          self.log.push('unwatch');
        }
      },
    };
  }
}
