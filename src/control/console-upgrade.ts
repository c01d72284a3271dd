import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { Follower } from './follower.js';
import { Refusal } from './refusal.js';
import { readQuery } from './request.js';
import { consoleLimits, recentConsole } from './streams.js';
import type { ControlledVm } from './vm.js';

/** The name in the Upgrade header. */
export const CONSOLE_PROTOCOL = 'gpuvm-console';

/**
 * Turns a connection into the guest's console: what it says comes as it is, its last words first, and what is sent is
 * typed. A client that has no more to type may close its side and read on.
 */
export function upgradeToConsole(
  vm: ControlledVm,
  request: IncomingMessage,
  socket: Duplex,
  head: Uint8Array,
  ended: Promise<void>,
): void {
  const [path, search = ''] = (request.url ?? '').split('?', 2);
  const protocol = String(request.headers.upgrade).toLowerCase();
  if (path !== '/v1/console' || request.method !== 'GET' || protocol !== CONSOLE_PROTOCOL) {
    throw new Refusal(400, `only GET /v1/console can be upgraded, and to ${CONSOLE_PROTOCOL}`);
  }
  const recent = recentConsole(vm.console, readQuery(new URLSearchParams(search), ['recent']));
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: ${CONSOLE_PROTOCOL}\r\n\r\n`,
  );
  const follower = new Follower(socket, consoleLimits);
  follower.push(recent);
  const unsubscribe = vm.console.subscribe((chunk) => follower.push(chunk));
  socket.once('close', unsubscribe);
  void ended.then(() => {
    unsubscribe();
    follower.end();
  });
  void type(vm, socket, head);
}

/** A chunk is read once the guest has taken the one before, so that nothing piles up here. */
async function type(vm: ControlledVm, socket: Duplex, head: Uint8Array): Promise<void> {
  try {
    if (head.length > 0) await vm.console.write(head);
    for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      await vm.console.write(chunk);
    }
  } catch {
    // The client went without a word, or the guest can no longer be typed to: nothing can be said any more.
    socket.destroy();
  }
}
