/** A file of an initramfs; a folder where it has no content. */
export interface InitramfsFile {
  readonly name: string;
  readonly content?: string | Uint8Array;
  readonly mode?: number;
}

/** An archive as the kernel unpacks it (cpio's "newc"); appended to another one, it adds to that. */
export function initramfs(files: readonly InitramfsFile[]): Buffer {
  const parts = [...files, { name: 'TRAILER!!!' }].map(({ name, content, mode }: InitramfsFile, index) => {
    const bytes = Buffer.from(content ?? '');
    const isFolder = content === undefined;
    const fields = [index, mode ?? (isFolder ? 0o40755 : 0o100755), 0, 0, 1, 0, bytes.length];
    const header = [...fields, 0, 0, 0, 0, name.length + 1, 0];
    const hex = header.map((field) => field.toString(16).padStart(8, '0')).join('');
    return Buffer.concat([padded(Buffer.from(`070701${hex}${name}\0`)), padded(bytes)]);
  });
  return Buffer.concat(parts);
}

/** Every part of it begins at a multiple of four. */
function padded(bytes: Uint8Array): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
}
