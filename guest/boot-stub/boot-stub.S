// Places the BARs of PCI devices before an operating system starts, on QEMU's arm64 `virt` machine.
//
// A guest that is booted with -kernel has no firmware, so nobody assigns its BARs. QEMU starts CPU 0 here instead of at
// its own boot code; this writes each BAR of the table behind it through ECAM, turns memory decoding on, and goes on to
// where QEMU would have started. It runs again at every reset of the machine, MMU and caches off.
//
// The table is appended as data: for each BAR three words, the device's ids (device << 16 | vendor), the register's
// offset in configuration space, and the address; a zero word ends it. It is assembled by generate.mjs, position
// independent, without relocations.

	.equ	ECAM_HIGH, 0x40		// 0x40_1000_0000, bus 0
	.equ	ECAM_LOW, 0x1000
	.equ	SLOTS, 32
	.equ	SLOT_SIZE, 0x8000	// eight functions of 4 KiB
	.equ	COMMAND, 0x04
	.equ	COMMAND_MEMORY, 2

	.text
	.global	_start
_start:
	movz	x0, #ECAM_HIGH, lsl #32
	movk	x0, #ECAM_LOW, lsl #16
	mov	w1, #SLOTS
slot:
	ldr	w2, [x0]
	adr	x3, table
entry:
	ldr	w4, [x3], #4
	cbz	w4, next
	ldp	w5, w6, [x3], #8
	cmp	w4, w2
	b.ne	entry
	str	w6, [x0, w5, uxtw]
	// 16 bits: the status register beside it is cleared by writing ones.
	mov	w7, #COMMAND_MEMORY
	strh	w7, [x0, #COMMAND]
	b	entry
next:
	add	x0, x0, #SLOT_SIZE
	subs	w1, w1, #1
	b.ne	slot
	dsb	sy
	mov	x0, xzr
	mov	x4, #0x40000000		// QEMU's boot code, at the start of RAM
	br	x4
	.balign	4
table:
