import { decodeSections, type Embedded } from '../data/columns.js';
import type { Summary } from '../data/summary.js';

export function readSummary(): Summary {
  return JSON.parse(document.getElementById('summary')!.textContent!) as Summary;
}

/** The transfers of this page: base64 in elements of their own, deflated. */
export async function readTransfers(): Promise<Embedded> {
  const elements = [...document.querySelectorAll('script.data')];
  const inflate = new DecompressionStream('deflate-raw');
  const writer = inflate.writable.getWriter();
  const written = (async () => {
    for (const element of elements) {
      await writer.write(fromBase64(element.textContent!));
      element.remove();
    }
    await writer.close();
  })();
  const [buffer] = await Promise.all([new Response(inflate.readable).arrayBuffer(), written]);
  return decodeSections(new Uint8Array(buffer));
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = binary.charCodeAt(at);
  return bytes;
}
