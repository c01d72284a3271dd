import { isIP } from 'node:net';
import * as z from 'zod';
import { flag, written } from './values.js';

/** `127.0.0.1:9470`, `[::1]:9470`, `localhost:9470`; undefined where it is none. */
export function parseListen(value: string): { address: string; port: number } | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+|localhost)):(\d{1,5})$/.exec(value);
  if (!match) return undefined;
  const [, six, other, digits] = match;
  const address = six ?? (other === 'localhost' ? '127.0.0.1' : other!);
  const port = Number(digits);
  if (isIP(address) !== (six === undefined ? 4 : 6) || port < 1 || port > 65535) return undefined;
  return { address, port };
}

/** Whether only this host's own programs reach an address. */
export function isLoopback(address: string): boolean {
  if (isIP(address) === 4) return address.startsWith('127.');
  // All ways to write ::1 end in it, after nothing but zeros.
  return /^[0:]*:0*1$/.test(address);
}

export const metrics = z
  .strictObject({
    listen: written(
      parseListen,
      'an address and a port such as "127.0.0.1:9470" or "[::1]:9470"',
      '^(\\[[0-9a-fA-F:.]+\\]|[0-9.]+|localhost):[0-9]{1,5}$',
    ).describe('Where GET /metrics is answered, beside the control socket.'),
    public: flag
      .default(false)
      .describe(
        'Whether others than this host may be told; there is no password. Needed for an address that is not a loopback one.',
      ),
  })
  .optional()
  .describe('Metrics for Prometheus on a TCP port; by default only the control socket has them.');
