import type { ControlClient } from '../../../control/index.js';
import type { SourceOptions } from '../source.js';

/** A running VM's capture, as it comes over its control socket. A supervisor that ends, ends it. */
export async function* captureOf(
  { client }: { readonly client: ControlClient },
  { follow, recent, signal }: SourceOptions,
): AsyncGenerator<Uint8Array> {
  const stream = await client.capture({ follow, recent, signal });
  try {
    for await (const chunk of stream) yield chunk as Uint8Array;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error;
  }
}
