import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { GpuvmError } from '../../src/errors.js';
import type { SysfsWriter } from '../../src/journal/index.js';
import { attach, detach, joinGroup, nameOf } from './fake-host.js';

/** What goes wrong with a write: an errno, `hang`, or `ignore` for one that is taken and does nothing. */
export type Fault = (path: string, value: string) => string | undefined;

/** Makes the writes that sysfs would get, and acts as the kernel does. */
export class FakeKernel implements SysfsWriter {
  readonly #root: string;
  readonly #fault: Fault;
  readonly writes: string[] = [];

  constructor(root: string, fault: Fault = () => undefined) {
    this.#root = root;
    this.#fault = fault;
  }

  async prepare(): Promise<undefined> {
    return undefined;
  }

  close(): void {}

  async write(full: string, value: string): Promise<void> {
    const path = `/${relative(this.#root, full)}`;
    this.writes.push(`${path} ← ${value.trim()}`);
    const fault = this.#fault(path, value);
    if (fault === 'ignore') return;
    if (fault === 'hang') {
      throw new GpuvmError('GPUVM_BIND', `writing ${value} to ${path} does not come back`, {
        details: { hung: true, pid: 4711 },
      });
    }
    const errno = fault ?? (existsSync(full) ? this.#act(path, value.replace(/\n$/, '')) : 'ENOENT');
    if (errno !== undefined)
      throw new GpuvmError('GPUVM_BIND', `writing to ${path}: ${errno}`, { details: { errno } });
  }

  #act(path: string, value: string): string | undefined {
    const driver = /^\/sys\/bus\/(\w+)\/drivers\/([^/]+)\/(bind|unbind)$/.exec(path);
    if (driver) {
      const [, bus, name, act] = driver;
      return act === 'bind' ? this.#bind(bus!, name!, value) : this.#unbind(bus!, name!, value);
    }
    const probe = /^\/sys\/bus\/(\w+)\/drivers_probe$/.exec(path);
    if (probe) return this.#probe(probe[1]!, value);
    const text = path.endsWith('/driver_override') && value === '' ? '(null)' : value;
    if (!path.endsWith('/reset')) writeFileSync(join(this.#root, path), `${text}\n`);
    return undefined;
  }

  #bind(bus: string, driver: string, name: string): string | undefined {
    const folder = this.#device(bus, name);
    if (!existsSync(folder) || !this.#matches(folder, bus, driver)) return 'ENODEV';
    if (existsSync(join(folder, 'driver'))) return 'EBUSY';
    // A node's `iommus` is looked at when a driver is tried.
    if (existsSync(join(folder, 'of_node/iommus')) && !existsSync(join(folder, 'iommu_group')))
      joinGroup(this.#root, folder, name);
    if (driver.startsWith('vfio') && !existsSync(join(folder, 'iommu_group'))) return 'EINVAL';
    attach(this.#root, bus, name, driver);
    return undefined;
  }

  #unbind(bus: string, driver: string, name: string): string | undefined {
    if (nameOf(join(this.#device(bus, name), 'driver')) !== driver) return 'ENODEV';
    detach(this.#root, bus, name);
    return undefined;
  }

  #probe(bus: string, name: string): string | undefined {
    const folder = this.#device(bus, name);
    if (!existsSync(folder)) return 'ENODEV';
    if (existsSync(join(folder, 'driver'))) return undefined;
    const override = this.#override(folder);
    const own = /:(.+)$/m.exec(read(join(folder, 'modalias')) ?? '')?.[1];
    const driver = override === '(null)' ? own : override;
    if (driver === undefined || !existsSync(join(this.#root, `sys/bus/${bus}/drivers/${driver}`)))
      return undefined;
    return this.#bind(bus, driver, name);
  }

  /** With an override no driver but that one is asked; VFIO's takes nothing without. */
  #matches(folder: string, bus: string, driver: string): boolean {
    const override = this.#override(folder);
    if (override !== '(null)') return override === driver;
    return read(join(folder, 'modalias'))?.trim() === `${bus}:${driver}` && !driver.startsWith('vfio');
  }

  #override(folder: string): string {
    return read(join(folder, 'driver_override'))!.trim();
  }

  #device(bus: string, name: string): string {
    return join(this.#root, `sys/devices/${bus}/${name}`);
  }
}

function read(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}
