import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { cacheFolder } from '../../../src/config/index.js';

const script = (name: string) => fileURLToPath(new URL(`../../../scripts/lib/${name}`, import.meta.url));

/** What a guest inside the x86 twin boots: the twin's own kernel, and one static program as its initramfs. */
export interface InnerGuest {
  readonly kernel: string;
  readonly initrd: string;
}

/** Makes both in a folder of their own, which is the caller's to remove: `folder`. */
export async function innerGuest(source: string): Promise<InnerGuest & { readonly folder: string }> {
  // The twin would make it only when it boots.
  await execa(script('prepare-twin-x86'), { stdio: 'inherit' });
  const folder = mkdtempSync(join(tmpdir(), 'gpuvm-inner-'));
  const [kernel, initrd, program] = ['inner-kernel', 'inner-initrd', 'inner-init'].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  writeFileSync(kernel, await unpacked(join(cacheFolder(), 'twin/x86/current/vmlinuz')));
  await execa('cc', ['-Os', '-static', '-s', '-Wall', '-Wextra', '-Werror', '-o', program, source]);
  writeFileSync(initrd, archive({ init: readFileSync(program) }));
  return { folder, kernel, initrd };
}

const packers: readonly (readonly [magic: string, program: string, ...args: string[]])[] = [
  ['fd377a585a00', 'xz', '-dc', '--single-stream'],
  ['28b52ffd', 'zstd', '-dcq'],
];

/**
 * The ELF file inside of a bzImage (Documentation/arch/x86/boot.rst), which QEMU starts too (PVH): under two layers of
 * emulation the kernel takes longer to unpack itself than to come up. The image as it is where it cannot be unpacked.
 */
async function unpacked(path: string): Promise<Uint8Array> {
  const image = readFileSync(path);
  const setup = (image[0x1f1]! + 1) * 512;
  const start = setup + image.readUInt32LE(0x248);
  const payload = image.subarray(start, start + image.readUInt32LE(0x24c));
  const packer = packers.find(([magic]) => payload.toString('hex', 0, 16).startsWith(magic));
  if (packer === undefined) return image;
  const [, program, ...args] = packer;
  // Behind the stream the kernel's build has put its length, which the programs may complain of.
  const { stdout } = await execa(program, args, {
    input: payload,
    encoding: 'buffer',
    reject: false,
    stderr: 'ignore',
  });
  const isElf = stdout !== undefined && Buffer.from(stdout.subarray(0, 4)).toString('latin1') === '\x7fELF';
  return isElf ? stdout : image;
}

/** A cpio archive as the kernel takes it (`newc`): executable files, and nothing else. */
function archive(files: Readonly<Record<string, Uint8Array>>): Buffer {
  const entries = { ...files, 'TRAILER!!!': new Uint8Array() };
  return Buffer.concat(
    Object.entries(entries).flatMap(([name, bytes], index) => {
      const isFile = name !== 'TRAILER!!!';
      const fields = [
        index + 1,
        isFile ? 0o100755 : 0,
        0,
        0,
        1,
        0,
        bytes.length,
        0,
        0,
        0,
        0,
        name.length + 1,
        0,
      ];
      const header = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}${name}\0`;
      return [padded(Buffer.from(header)), padded(bytes)];
    }),
  );
}

function padded(bytes: Uint8Array): Buffer {
  const all = Buffer.alloc(Math.ceil(bytes.length / 4) * 4);
  all.set(bytes);
  return all;
}
