/**
 * A guest of 512 bytes for QEMU's x86 `pc` machine that does what a letter on the serial port says: `q` powers off, `r`
 * resets, `p` panics (pvpanic), `w` lets a watchdog run out (ib700); all others it repeats. It says "H" when it starts. A
 * deaf one does not look at its power button.
 */
export function letterGuest({ deaf = false } = {}): Uint8Array {
  const out8 = (port: number, value: number) => [...setDx(port), 0xb0, value, 0xee];
  const out16 = (port: number, value: number) => [...setDx(port), ...[0xb8, value & 0xff, value >> 8], 0xef];
  const hang = [0xeb, 0xfe];
  const actions: readonly (readonly [letter: string, code: readonly number[]])[] = [
    ['q', [...out16(0x604, 0x2000), ...hang]],
    ['r', [...[0xb0, 0xfe, 0xe6, 0x64], ...hang]],
    ['p', [...out8(0x505, 1), ...hang]],
    // The shortest of its times: 0 s.
    ['w', [...out8(0x443, 0x0f), ...hang]],
  ];
  const powerOff = [...out16(0x604, 0x2000), ...hang];
  // PM1 enable: the power button sets a bit in PM1 status only then.
  const start = [...out16(0x602, 0x100), ...out8(0x3f8, 0x48), ...out8(0x3f8, 0x0a)];
  // in ax, dx; test ah, 1; jz over the power-off
  const button = deaf ? [] : [...setDx(0x600), 0xed, 0xf6, 0xc4, 1, 0x74, powerOff.length, ...powerOff];
  // in al, dx; test al, 1; jz back to the loop (filled in below)
  const poll = [...setDx(0x3fd), 0xec, 0xa8, 1];
  const read = [...setDx(0x3f8), 0xec];
  // cmp al, letter; jne over the action
  const dispatch = actions.flatMap(([letter, code]) => [
    0x3c,
    letter.charCodeAt(0),
    0x75,
    code.length,
    ...code,
  ]);
  const loop = [...button, ...poll];
  const body = [...loop, 0x74, back(loop.length + 2), ...read, ...dispatch, 0xee];
  const program = [...start, ...body, 0xeb, back(body.length + 2)];
  const sector = new Uint8Array(512);
  sector.set(program);
  sector.set([0x55, 0xaa], 510);
  return sector;
}

function setDx(port: number): number[] {
  return [0xba, port & 0xff, port >> 8];
}

/** The operand of a short jump over so many bytes backwards, its own two included. */
function back(bytes: number): number {
  if (bytes > 128) throw new RangeError(`${bytes} bytes are too far for a short jump`);
  return 256 - bytes;
}

/**
 * The same for AArch64's `virt`, as far as `q` and `r` go (PSCI), for -kernel. It has no power button that it would look at.
 */
export function armLetterGuest(): Uint8Array {
  const words = [
    0xd2a12001, // 0: movz x1, #0x0900, lsl #16 (PL011)
    0x52800900, // movz w0, #'H'
    0xb9000020, // str w0, [x1]
    0x52800140, // movz w0, #10
    0xb9000020, // str w0, [x1]
    0xb9401822, // 5: ldr w2, [x1, #0x18] (flags)
    0x3727ffe2, // tbnz w2, #4, 5 (nothing to read)
    0xb9400020, // ldr w0, [x1]
    0x7101c41f, // cmp w0, #'q'
    0x540000a0, // b.eq 14
    0x7101c81f, // cmp w0, #'r'
    0x540000c0, // b.eq 17
    0xb9000020, // str w0, [x1]
    0x17fffff8, // b 5
    ...[0x52800100, 0x72b08000, 0xd4000002], // 14: hvc SYSTEM_OFF
    ...[0x52800120, 0x72b08000, 0xd4000002], // 17: hvc SYSTEM_RESET
  ];
  return new Uint8Array(Uint32Array.from(words).buffer);
}
