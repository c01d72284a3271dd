import type { Duplex } from 'node:stream';
import { Refusal } from './refusal.js';
import { readQuery } from './request.js';
import type { Exchange } from './routes.js';
import { consoleLimits, recentConsole } from './streams.js';
import type { ControlledVm } from './vm.js';

/** The name in the Upgrade header. */
export const CONSOLE_PROTOCOL = 'gpuvm-console';

/** What may wait for a guest that does not read its console. */
const MAX_TYPED_BYTES = 64 * 1024;

export interface Upgrade extends Pick<Exchange, 'vm' | 'request' | 'ended' | 'follow'> {
  readonly socket: Duplex;
  /** What came after the request already. */
  readonly head: Uint8Array;
}

/**
 * Turns a connection into the guest's console: what it says comes as it is, its last words first, and what is sent is
 * typed. A client that closes its side ends it: from here one cannot tell whether it still reads.
 */
export function upgradeToConsole({ vm, request, socket, head, ended, follow }: Upgrade): void {
  const [path, search = ''] = (request.url ?? '').split('?', 2);
  const protocol = String(request.headers.upgrade).toLowerCase();
  if (path !== '/v1/console' || request.method !== 'GET' || protocol !== CONSOLE_PROTOCOL) {
    throw new Refusal(400, `only GET /v1/console can be upgraded, and to ${CONSOLE_PROTOCOL}`);
  }
  const recent = recentConsole(vm.console, readQuery(new URLSearchParams(search), ['recent']));
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: ${CONSOLE_PROTOCOL}\r\n\r\n`,
  );
  const follower = follow(consoleLimits);
  follower.push(recent);
  const unsubscribe = vm.console.subscribe((chunk) => follower.push(chunk));
  socket.once('close', unsubscribe);
  void ended.then(() => {
    unsubscribe();
    follower.end();
  });
  typeAll(vm, socket, head);
  socket.once('end', () => follower.end());
}

/**
 * Types what comes, one piece after the other. What the guest does not take waits here up to a limit, so that a client
 * that goes is noticed though the guest hangs; the rest waits at the client.
 */
function typeAll(vm: ControlledVm, socket: Duplex, head: Uint8Array): void {
  let waitingBytes = 0;
  let typed = Promise.resolve();
  const take = (chunk: Uint8Array) => {
    waitingBytes += chunk.length;
    if (waitingBytes > MAX_TYPED_BYTES) socket.pause();
    typed = typed.then(() => vm.console.write(chunk));
    typed.then(
      () => {
        waitingBytes -= chunk.length;
        if (waitingBytes <= MAX_TYPED_BYTES) socket.resume();
      },
      // A guest that can no longer be typed to: nothing can be said here any more.
      () => socket.destroy(),
    );
  };
  if (head.length > 0) take(head);
  socket.on('data', take);
}
