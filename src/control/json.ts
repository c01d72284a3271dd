/** JSON in one line, with 64-bit numbers as decimal text and bytes as hexadecimal digits, as all of gpuvm prints it. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner === 'bigint') return inner.toString();
    if (inner instanceof Uint8Array) return Buffer.from(inner).toString('hex');
    return inner;
  });
}
