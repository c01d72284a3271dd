import { addon } from '../../native/index.js';
import type { NamedFd } from './config.js';

/** The name of the state memory's descriptor. */
export const STATE_FD = 'state';

/** They are this process's no more. */
export function closeAll(fds: readonly NamedFd[]): void {
  for (const { fd } of fds) addon().closeFd(fd);
}
