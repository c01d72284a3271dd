import type { Complaints } from './complain.js';

export function memoryContradictions(complaints: Complaints): void {
  const { memory, memoryBackend, machine } = complaints.config;
  if (!memoryBackend) return;
  if (memory === undefined)
    complaints.missing('memory', 'memoryBackend needs to know how much', ['memoryBackend']);
  if (/(^|,)memory-backend=/.test(machine))
    complaints.at(['machine'], 'names a memory-backend, and so does memoryBackend');
  if (memoryBackend.kind !== 'hugepages') return;
  const { hugepageSize, path } = memoryBackend;
  if (hugepageSize === undefined) return;
  const at = ['memoryBackend', 'hugepageSize'];
  if (path !== undefined) complaints.at(at, 'has no effect with path: the mount decides');
  else if ((hugepageSize & (hugepageSize - 1n)) !== 0n) complaints.at(at, 'must be a power of two');
  else if (memory !== undefined && memory % hugepageSize !== 0n)
    complaints.at(['memory'], 'must be a multiple of memoryBackend.hugepageSize');
}
