import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listDevices } from '../../src/vfio/index.js';

/** A host of Arm's: devices without a driver, none of which has its group yet. */
describe('devices that come into their group when they are bound', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'gpuvm-ungrouped-'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const write = (path: string, content: string | Uint8Array) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  };
  const cells = (...values: number[]) => {
    const bytes = Buffer.alloc(values.length * 4);
    for (const [at, value] of values.entries()) bytes.writeUInt32BE(value, at * 4);
    return bytes;
  };
  const HOST = 'sys/devices/platform/10000000.pcie';
  /** A function below the host bridge, behind a root port where there is one. */
  const addFunction = (name: string, port = '') => {
    mkdirSync(join(root, HOST, 'pci0000:00', port, name), { recursive: true });
    mkdirSync(join(root, 'sys/bus/pci/devices'), { recursive: true });
    const target = join('../../../devices/platform/10000000.pcie/pci0000:00', port, name);
    symlinkSync(target, join(root, 'sys/bus/pci/devices', name));
  };
  const listed = () => listDevices({ sysroot: root }).map(({ name, group }) => [name, group]);

  it('are listed where their node has iommus', () => {
    write('sys/bus/platform/devices/17000000.gpu/of_node/iommus', cells(1, 0xb0));
    write('sys/bus/platform/devices/9000000.serial/of_node/compatible', 'arm,pl011');
    expect(listed()).toEqual([['17000000.gpu', null]]);
    expect(listDevices({ sysroot: root })[0]).toMatchObject({ behindIommu: true, driver: null });
    expect(listDevices({ sysroot: root }, true).map(({ name, behindIommu }) => [name, behindIommu])).toEqual([
      ['17000000.gpu', true],
      ['9000000.serial', false],
    ]);
  });

  it("are listed where their host bridge's iommu-map has their number", () => {
    write(`${HOST}/of_node/iommu-map`, cells(0, 1, 0, 0xb0, 0xb8, 1, 0xb8, 0x48));
    // 0x80, 0xb0 and 0xb7 (between both), 0xb8, 0x100 (beyond them).
    for (const name of ['0000:00:10.0', '0000:00:16.0', '0000:00:16.7', '0000:00:17.0']) addFunction(name);
    addFunction('0000:01:00.0', '0000:00:01.0');
    expect(listed()).toEqual([
      ['0000:00:10.0', null],
      ['0000:00:17.0', null],
    ]);
    write(`${HOST}/of_node/iommu-map`, cells(0, 1, 0, 0x10000));
    expect(listed()).toHaveLength(5);
  });

  it('are told by what is left of their number', () => {
    write(`${HOST}/of_node/iommu-map`, cells(0x100, 1, 0, 1));
    write(`${HOST}/of_node/iommu-map-mask`, cells(0xff00));
    addFunction('0000:01:00.0', '0000:00:01.0');
    addFunction('0000:01:1f.7', '0000:00:01.0');
    addFunction('0000:02:00.0', '0000:00:02.0');
    expect(listed().map(([name]) => name)).toEqual(['0000:01:00.0', '0000:01:1f.7']);
  });

  it("are PCI's where the firmware has Arm's table of IOMMUs, and the kernel one of these", () => {
    addFunction('0000:01:00.0', '0000:00:01.0');
    write('sys/firmware/acpi/tables/IORT', 'IORT');
    expect(listed()).toEqual([]);
    mkdirSync(join(root, 'sys/class/iommu/smmu3.0x0000000009050000'), { recursive: true });
    expect(listed()).toEqual([['0000:01:00.0', null]]);
  });

  it('are none where the map is cut short or empty', () => {
    addFunction('0000:00:10.0');
    for (const map of [cells(), cells(0, 1, 0), Buffer.from([1, 2])]) {
      write(`${HOST}/of_node/iommu-map`, map);
      expect(listed()).toEqual([]);
    }
  });
});
