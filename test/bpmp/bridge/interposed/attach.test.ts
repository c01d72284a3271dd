import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { InterposedBridge, wrapCommand } from '../../../../src/bpmp/bridge/interposed/index.js';
import { addon } from '../../../../src/native/index.js';

const isBuilt = existsSync(wrapCommand('true', [], { socketFd: 3 }).file);

describe.skipIf(!isBuilt)('InterposedBridge before there is a guest', () => {
  const newBridge = () => {
    const [ours, theirs] = addon().socketPair();
    const bridge = new InterposedBridge({
      socketFd: ours,
      control: { fd: addon().eventfdCreate(), drain: () => {} },
      handler: {
        handle: () => ({ ret: 0, rxSize: 0 }),
        malformed: () => ({ ret: -22, rxSize: 0 }),
      },
    });
    return { bridge, theirs };
  };

  it('ends when it is closed before it serves', async () => {
    const { bridge } = newBridge();
    bridge.close();
    expect(await bridge.serve()).toEqual({ reason: 'closed' });
  });

  it('ends when it is closed while it waits, and hangs up on the wrapper', async () => {
    const { bridge, theirs } = newBridge();
    const end = bridge.serve();
    bridge.close();
    expect(await end).toEqual({ reason: 'closed' });
    const nothing = addon().unixReceive(theirs, new Uint8Array(1), 0, 1, new Int32Array(1));
    expect(nothing).toBe(0);
  });

  it('takes a message without a listener for a fault', async () => {
    const { bridge, theirs } = newBridge();
    addon().unixSend(theirs, Uint8Array.of(0x6b), 0, 1);
    expect(await bridge.serve()).toMatchObject({
      reason: 'fault',
      message: expect.stringContaining('gpuvm-exec'),
    });
  });
});
