/** An empty qcow2 image (version 2, clusters of 64 KiB), after QEMU's docs/interop/qcow2.txt. */
export function emptyQcow2(sizeBytes: number): Uint8Array {
  const cluster = 1 << 16;
  const [refcountTable, refcountBlock, l1Table, end] = [1, 2, 3, 4].map((index) => index * cluster);
  const image = new DataView(new ArrayBuffer(end));
  image.setUint32(0, 0x514649fb); // "QFI\xfb"
  image.setUint32(4, 2); // version
  image.setUint32(20, 16); // log2 of the cluster size
  image.setBigUint64(24, BigInt(sizeBytes));
  image.setUint32(36, 1); // entries of the L1 table: one covers 512 MiB
  image.setBigUint64(40, BigInt(l1Table));
  image.setBigUint64(48, BigInt(refcountTable));
  image.setUint32(56, 1); // clusters of the refcount table
  image.setBigUint64(refcountTable, BigInt(refcountBlock));
  for (let used = 0; used < end / cluster; used++) image.setUint16(refcountBlock + 2 * used, 1);
  return new Uint8Array(image.buffer);
}
