import { StringDecoder } from 'node:string_decoder';
import { GpuvmError } from '../errors.js';

/** The longest line that is taken; a request of 512 bytes is far below it. */
const MAX_LINE = 1024 * 1024;

/** The lines of a stream with their numbers, in whatever pieces they arrive. Throws GPUVM_INPUT for an endless one. */
export async function* linesOf(
  stream: AsyncIterable<Uint8Array | string>,
): AsyncGenerator<[string, number], void> {
  const decoder = new StringDecoder('utf8');
  let open = '';
  let number = 0;
  for await (const chunk of stream) {
    const lines = (open + (typeof chunk === 'string' ? chunk : decoder.write(Buffer.from(chunk)))).split(
      '\n',
    );
    open = lines.pop()!;
    for (const line of lines) yield [line, ++number];
    if (open.length > MAX_LINE) {
      throw new GpuvmError('GPUVM_INPUT', `line ${number + 1} is longer than ${MAX_LINE} characters`);
    }
  }
  open += decoder.end();
  if (open !== '') yield [open, ++number];
}
