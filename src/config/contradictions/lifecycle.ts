import type { KeyPath } from '../document.js';
import type { Complaints } from './complain.js';

/** sun_path is 108 bytes, its terminator included. */
const SOCKET_PATH_BYTES = 107;

export function lifecycleContradictions(complaints: Complaints): void {
  const { restart, ready, guestAgent, serial, control } = complaints.config;
  if (restart.maxDelay < restart.delay)
    complaints.atKey(['restart', 'maxDelay'], 'is shorter than restart.delay');
  if (ready.when === 'guest-agent' && !guestAgent)
    complaints.at(['ready', 'when'], 'guest-agent needs guestAgent: true');
  const consoles = serial?.flatMap(({ kind }, index) => (kind === 'console' ? [index] : []));
  if (ready.when === 'console' && consoles?.length === 0)
    complaints.at(['ready', 'when'], 'console needs a port of kind console under serial');
  for (const index of consoles?.slice(1) ?? [])
    complaints.at(['serial', index], 'is a second console: there is one');
  const path = (index: number) => ['serial', index, 'path'];
  complaints.unique(serial ?? [], (port) => ('path' in port ? port.path : undefined), path);
  for (const [index, port] of (serial ?? []).entries()) {
    if (port.kind === 'unix') socketPath(complaints, port.path, path(index));
  }
  if (control.socket !== undefined) socketPath(complaints, control.socket, ['control', 'socket']);
}

function socketPath(complaints: Complaints, path: string, at: KeyPath): void {
  const bytes = Buffer.byteLength(path);
  if (bytes > SOCKET_PATH_BYTES)
    complaints.at(
      at,
      `is ${bytes} bytes with its folder, and a socket's path has ${SOCKET_PATH_BYTES} at most`,
    );
}
