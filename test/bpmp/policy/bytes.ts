/** Little-endian words as a payload. */
export function words(...values: number[]): Uint8Array {
  const tx = new Uint8Array(4 * values.length);
  const view = new DataView(tx.buffer);
  values.forEach((value, index) => {
    view.setUint32(4 * index, value, true);
  });
  return tx;
}

/** `struct mrq_clk_request`. */
export function clk(command: number, id: number, ...rest: number[]): Uint8Array {
  return words(command * 2 ** 24 + id, ...rest);
}

export function bytes(digits: string): Uint8Array {
  return Uint8Array.from(Buffer.from(digits.replaceAll(' ', ''), 'hex'));
}

/** `struct mrq_i2c_request` with segments of an address and flags, and one byte where they write. */
export function i2c(bus: number, ...segments: [address: number, flags: number][]): Uint8Array {
  const data = segments.flatMap(([address, flags]) => [
    ...[address, flags, 1].flatMap((half) => [half & 0xff, half >>> 8]),
    ...(flags & 1 ? [] : [0xaa]),
  ]);
  return Uint8Array.from([...words(1, bus, data.length), ...data]);
}
