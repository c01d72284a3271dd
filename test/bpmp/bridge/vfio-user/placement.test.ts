import { describe, expect, it } from 'vitest';
import {
  chooseLayout,
  DEFAULT_WINDOW_ADDRESS,
  placeWindow,
  windowBars,
} from '../../../../src/bpmp/bridge/vfio-user/index.js';

describe('the window’s address', () => {
  it('is split into the BAR’s and the offset in it', () => {
    expect(placeWindow(DEFAULT_WINDOW_ADDRESS)).toEqual({
      barAddress: 0x10800000n,
      windowOffset: 0xb00,
      straddles: true,
    });
    expect(placeWindow(0x10802000n)).toEqual({ barAddress: 0x10802000n, windowOffset: 0, straddles: false });
    expect(windowBars(0x10804b00n)).toEqual([
      { vendor: 0x1af4, device: 0x10f0, bar: 0, size: 0x2000, address: 0x10804000n },
    ]);
  });

  it.each([
    [0x10800004n, 'window address 0x10800004: it must be a multiple of 8'],
    [
      0x10801a08n,
      'window address 0x10801a08: the 0x600 bytes from there cross a multiple of 0x2000: use 0x10800b00',
    ],
    [0n, 'window address 0x0: it must be positive'],
  ])('0x%s is refused in one line', (address, message) => {
    expect(() => placeWindow(address)).toThrow(expect.objectContaining({ code: 'GPUVM_CONFIG', message }));
  });
});

describe('the layout', () => {
  const straddling = placeWindow(DEFAULT_WINDOW_ADDRESS);
  const plain = placeWindow(0x10800000n);
  const x86 = { arch: 'x64', pageSize: 4096, maintainsCache: false };
  const arm = { arch: 'arm64', pageSize: 4096, maintainsCache: true };

  it.each([
    ['auto', straddling, x86, 'shared'],
    ['auto', straddling, arm, 'shared'],
    ['auto', straddling, { ...arm, maintainsCache: false }, 'trapped'],
    ['auto', straddling, { ...arm, pageSize: 65536 }, 'trapped'],
    ['auto', straddling, { ...x86, arch: 'riscv64' }, 'trapped'],
    ['auto', plain, x86, 'trapped'],
    ['trapped', straddling, x86, 'trapped'],
    ['shared', straddling, { ...arm, maintainsCache: false }, 'shared'],
  ] as const)('%s at %o on %o is %s', (wanted, placement, host, layout) => {
    const choice = chooseLayout(wanted, placement, host);
    expect(choice.layout).toBe(layout);
    expect(choice.reason).not.toBe('');
  });

  it('that cannot be shared is refused in one line', () => {
    expect(() => chooseLayout('shared', plain, x86)).toThrow(
      'layout shared: the window at 0x10800000 does not straddle a page as 0x10800b00 would: use that address, or layout trapped',
    );
    expect(() => chooseLayout('shared', straddling, { ...arm, pageSize: 16384 })).toThrow(
      'layout shared: this host’s pages are 16384 bytes and the guest’s 4096: use layout trapped'.replaceAll(
        '’',
        "'",
      ),
    );
  });
});
