import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodesBelow } from '../../src/journal/nodes.js';

describe('nodesBelow', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'gpuvm-nodes-'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };

  it('names the nodes of what is below a folder', () => {
    write('gpu/drm/card0/uevent', 'MAJOR=226\nMINOR=0\nDEVNAME=dri/card0\n');
    write('gpu/drm/card0/dev', '226:0\n');
    expect(nodesBelow('/gpu', root)).toEqual(['/dev/dri/card0']);
  });

  // Of a device that its driver does not let go the kernel keeps whoever reads it.
  it('does not read the uevent of what has no number', () => {
    write('gpu/uevent', 'DRIVER=vfio-platform\nDEVNAME=not/read\n');
    write('gpu/vfio-dev/vfio3/uevent', 'MAJOR=243\nDEVNAME=vfio/devices/vfio3\n');
    write('gpu/vfio-dev/vfio3/dev', '243:3\n');
    expect(nodesBelow('/gpu', root)).toEqual(['/dev/vfio/devices/vfio3']);
  });

  it('finds none where there is no such folder', () => {
    expect(nodesBelow('/absent', root)).toEqual([]);
  });
});
