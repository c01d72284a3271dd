import { createWriteStream } from 'node:fs';
import { rename, stat, unlink } from 'node:fs/promises';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createDeflateRaw } from 'node:zlib';
import { GpuvmError } from '../../errors.js';
import { type Embedded, encodeSections } from '../data/columns.js';
import type { Summary } from '../data/summary.js';
import { DATA_END, DATA_START, PAGE_END, pageHead } from './html.js';
import { pageCode } from './page-code.js';

/** Bytes of each element with data: a multiple of three, so that each is base64 of its own. */
const PIECE = 768 * 1024;

/** Writes the page, a piece at a time, beside the file and then in its place. Answers its size. */
export async function writePage(path: string, summary: Summary, embedded: Embedded): Promise<number> {
  const head = pageHead(summary, await pageCode());
  const unfinished = `${path}.unfinished`;
  try {
    await pipeline(
      Readable.from(encodeSections(embedded.columns, embedded.tables, embedded.holds), { objectMode: false }),
      createDeflateRaw({ level: 6 }),
      inElements(head),
      createWriteStream(unfinished),
    );
    await rename(unfinished, path);
    return (await stat(path)).size;
  } catch (cause) {
    await unlink(unfinished).catch(() => {});
    throw new GpuvmError('GPUVM_FILE', `the report cannot be written: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** The page around the compressed data. */
function inElements(head: string): Transform {
  let waiting = Buffer.alloc(0);
  const element = (bytes: Buffer) => `${DATA_START}${bytes.toString('base64')}${DATA_END}`;
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      waiting = Buffer.concat([waiting, chunk]);
      while (waiting.length >= PIECE) {
        this.push(element(waiting.subarray(0, PIECE)));
        waiting = waiting.subarray(PIECE);
      }
      done();
    },
    flush(done) {
      if (waiting.length > 0) this.push(element(waiting));
      this.push(PAGE_END);
      done();
    },
  });
  stream.push(head);
  return stream;
}
