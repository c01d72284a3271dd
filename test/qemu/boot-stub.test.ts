import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BOOT_STUB_CODE } from '../../src/qemu/boot-stub-code.js';
import { bootStub, bootStubArguments, vfioUserDevices } from '../../src/qemu/index.js';
import { hasProgram } from '../real/programs.js';

const window = { vendor: 0x1af4, device: 0x10f0, bar: 0, size: 0x2000, address: 0x10800000n };

describe('the boot stub', () => {
  it.skipIf(!hasProgram('aarch64-linux-gnu-gcc'))('is what the assembler makes of its source', () => {
    const generate = join(import.meta.dirname, '../../guest/boot-stub/generate.mjs');
    const printed = execFileSync(process.execPath, [generate, '--print'], { encoding: 'utf8' });
    expect(readFileSync(join(import.meta.dirname, '../../src/qemu/boot-stub-code.ts'), 'utf8')).toBe(printed);
  });

  it('is followed by ids, register and address of each BAR, and a zero', () => {
    const bytes = bootStub([window, { ...window, device: 0x10f1, bar: 3, address: 0x10900000n }]);
    const words = [...new Uint32Array(bytes.buffer)];
    expect(words.slice(0, BOOT_STUB_CODE.length)).toEqual(BOOT_STUB_CODE);
    expect(words.slice(BOOT_STUB_CODE.length)).toEqual([
      ...[0x10f01af4, 0x10, 0x10800000],
      ...[0x10f11af4, 0x1c, 0x10900000],
      0,
    ]);
  });

  it.each([
    [
      0xfff_e000n,
      'BAR address 0xfffe000: outside the PCI window 0x10000000 to 0x3efeffff: choose an address inside',
    ],
    [
      0x3eff0000n,
      'BAR address 0x3eff0000: outside the PCI window 0x10000000 to 0x3efeffff: choose an address inside',
    ],
    [
      0x4010800000n,
      'BAR address 0x4010800000: outside the PCI window 0x10000000 to 0x3efeffff: choose an address inside',
    ],
    [0x10801000n, "BAR address 0x10801000: must be a multiple of the BAR's size, 0x2000"],
  ])('refuses 0x%s in one line', (address, message) => {
    expect(() => bootStub([{ ...window, address }])).toThrow(
      expect.objectContaining({ code: 'GPUVM_CONFIG', message }),
    );
  });

  it('refuses two BARs at one place', () => {
    expect(() => bootStub([window, { ...window, bar: 1, size: 0x1000, address: 0x10801000n }])).toThrow(
      'BAR address 0x10801000: overlaps the BAR at 0x10800000',
    );
  });
});

describe('QEMU’s arguments', () => {
  it('have CPU 0 start in the stub', () => {
    expect(bootStubArguments('/tmp/a,b')).toEqual([
      '-device',
      'loader,file=/tmp/a,,b,addr=0x40010000,force-raw=on,cpu-num=0',
    ]);
  });

  it('name device, socket and stub', () => {
    const { arguments: args, stub } = vfioUserDevices({
      devices: [
        { socketPath: '/run/s', slot: 12 },
        { socketPath: '/run/t', slot: 5 },
      ],
      bars: [window],
      stubPath: '/run/stub',
    });
    expect(JSON.parse(args[1]!)).toEqual({
      driver: 'vfio-user-pci',
      addr: 'c',
      'x-msg-timeout': 40_000,
      socket: { type: 'unix', path: '/run/s' },
    });
    expect(JSON.parse(args[3]!)).toMatchObject({ addr: '5', socket: { path: '/run/t' } });
    expect(args).toEqual(['-device', args[1], '-device', args[3], ...bootStubArguments('/run/stub')]);
    expect(stub).toEqual(bootStub([window]));
  });
});
