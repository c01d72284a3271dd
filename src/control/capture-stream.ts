import { once } from 'node:events';
import { Refusal } from './refusal.js';
import { flagOf, readQuery } from './request.js';
import type { Exchange } from './routes.js';

/** The guest's transfers as pcapng, at the reader's pace: what he is too slow for, the capture itself says. */
export async function streamCapture({ vm, query, response, stay }: Exchange): Promise<void> {
  const fields = readQuery(query, ['follow', 'recent']);
  const follow = flagOf(fields, 'follow');
  const { recent } = fields;
  if (recent !== undefined && typeof recent !== 'number')
    throw new Refusal(400, 'recent must be a number, how many of the last transfers are sent');
  if (vm.captured === undefined) throw new Refusal(404, `${vm.name} has no transfers to send`);
  const gone = new AbortController();
  const blocks = vm.captured({ follow, ...(recent !== undefined && { recent }), signal: gone.signal });
  if (follow) stay();
  response.writeHead(200, {
    'content-type': 'application/x-pcapng',
    'cache-control': 'no-store',
    connection: 'close',
  });
  response.flushHeaders();
  response.once('close', () => gone.abort());
  for await (const chunk of blocks) {
    if (response.destroyed) return;
    // Called off where he goes meanwhile.
    if (!response.write(chunk)) await once(response, 'drain', gone).catch(() => undefined);
  }
  response.end();
}
