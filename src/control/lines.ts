import { StringDecoder } from 'node:string_decoder';
import { GpuvmError } from '../errors.js';

/** A status with the console's every byte would be shorter. */
const MAX_LINE = 16 * 1024 * 1024;

/** The lines of an answer. A supervisor that dies in the middle of one ends them. */
export async function* linesOf(stream: AsyncIterable<Uint8Array>): AsyncGenerator<string, void> {
  const decoder = new StringDecoder('utf8');
  let open = '';
  try {
    for await (const chunk of stream) {
      const lines = (open + decoder.write(Buffer.from(chunk))).split('\n');
      open = lines.pop()!;
      yield* lines;
      if (open.length > MAX_LINE)
        throw new GpuvmError('GPUVM_CONTROL', 'the supervisor sent an endless line');
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error;
  }
}
