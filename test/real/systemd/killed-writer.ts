/** Changes a file of the host as gpuvm changes a driver's override, journalled, and is killed before it can take that back. */
import { Journal, stateFolders } from '../../../src/journal/index.js';

const path = process.argv[2]!;
const journal = await Journal.open({ folder: stateFolders().journal, vm: 'after' });
await journal.perform({
  id: 'change',
  what: `change ${path}`,
  kind: 'write',
  path,
  value: 'modified',
  before: { kind: 'value', path, value: 'previous' },
  after: { kind: 'value', path, value: 'modified' },
  undo: { path, value: 'previous' },
});
process.kill(process.pid, 'SIGKILL');
