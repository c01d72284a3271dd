/**
 * A guest of 512 bytes for QEMU's x86 `pc` machine: it says "H" on the serial port, repeats what it reads there, and
 * powers off on "q" or at a press of the power button, resets on "r".
 */
export function bootSector(): Uint8Array {
  const sector = new Uint8Array(512);
  // Repeating labels: at 17 the loop, at 52 the power-off, at 61 the reset.
  sector.set([
    ...[0xba, 0x02, 0x06], // 0: mov dx, 0x602 (PM1 enable)
    ...[0xb8, 0x00, 0x01], // 3: mov ax, 0x100 (power button)
    0xef, // 6: out dx, ax
    ...[0xba, 0xf8, 0x03], // 7: mov dx, 0x3f8
    ...[0xb0, 0x48, 0xee], // 10: mov al, 'H'; out dx, al
    ...[0xb0, 0x0a, 0xee, 0x90], // 13: mov al, 10; out dx, al; nop
    ...[0xba, 0x00, 0x06, 0xed], // 17: mov dx, 0x600 (PM1 status); in ax, dx
    ...[0xf6, 0xc4, 0x01], // 21: test ah, 1
    ...[0x75, 26], // 24: jnz 52
    ...[0xba, 0xfd, 0x03, 0xec], // 26: mov dx, 0x3fd (line status); in al, dx
    ...[0xa8, 0x01], // 30: test al, 1
    ...[0x74, 0xef], // 32: jz 17
    ...[0xba, 0xf8, 0x03, 0xec], // 34: mov dx, 0x3f8; in al, dx
    ...[0x3c, 0x71], // 38: cmp al, 'q'
    ...[0x74, 10], // 40: je 52
    ...[0x3c, 0x72], // 42: cmp al, 'r'
    ...[0x74, 15], // 44: je 61
    0xee, // 46: out dx, al
    ...[0xeb, 0xe0], // 47: jmp 17
    ...[0x90, 0x90, 0x90], // 49
    ...[0xba, 0x04, 0x06], // 52: mov dx, 0x604 (PM1 control)
    ...[0xb8, 0x00, 0x20], // 55: mov ax, 0x2000 (sleep)
    0xef, // 58: out dx, ax
    ...[0xeb, 0xfe], // 59: jmp 59
    ...[0xb0, 0xfe], // 61: mov al, 0xfe
    ...[0xe6, 0x64], // 63: out 0x64, al (the keyboard controller's reset line)
    ...[0xeb, 0xfe], // 65: jmp 65
  ]);
  sector.set([0x55, 0xaa], 510);
  return sector;
}
