import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Slots } from '../../../../src/bpmp/bridge/interposed/slots.js';
import { wrapCommand } from '../../../../src/bpmp/bridge/interposed/wrapper.js';
import { addon, SlotLayout } from '../../../../src/native/index.js';
import { fillSlot } from './slot.js';

const isBuilt = existsSync(wrapCommand('true', [], { socketFd: 3 }).file);

describe('Slots', () => {
  const newSlots = () => {
    const memory = new ArrayBuffer(3 * SlotLayout.SIZE);
    return { memory, slots: new Slots(memory) };
  };

  it.skipIf(!isBuilt)('has the layout that the addon has', () => {
    expect(addon().seccompSlotLayout).toEqual(SlotLayout);
  });

  it('reads a request out of each slot', () => {
    const { memory, slots } = newSlots();
    for (const index of [0, 1, 2])
      fillSlot(memory, index, { thread: index, mrq: 0xffff_fff0 + index, tx: [index, 9] });
    for (const index of [0, 1, 2]) {
      expect(slots.thread(index)).toBe(index);
      expect(slots.mrq(index)).toBe(0xffff_fff0 + index);
      expect([...slots.tx(index)]).toEqual([index, 9]);
      expect(slots.rx(index)).toHaveLength(64);
    }
  });

  it('shows the sizes of a message at their full width', () => {
    const { memory, slots } = newSlots();
    fillSlot(memory, 1, { rxSize: 0xffff_ffff_ffff_fffen });
    expect(slots.messageSize(1, 'rx')).toBe(0xffff_ffff_ffff_fffen);
    expect(slots.messageSize(1, 'tx')).toBe(4n);
  });

  it('keeps the first views of a length and never mixes lengths', () => {
    const { memory, slots } = newSlots();
    fillSlot(memory, 0, { tx: [1, 2, 3] });
    const three = slots.tx(0);
    fillSlot(memory, 0, { tx: [4, 5] });
    expect([...slots.tx(0)]).toEqual([4, 5]);
    fillSlot(memory, 0, { tx: [6, 7, 8] });
    expect(slots.tx(0)).toBe(three);
    expect([...three]).toEqual([6, 7, 8]);
  });

  it('moves a call and leaves its own slot empty', () => {
    const { memory, slots } = newSlots();
    fillSlot(memory, 0, {});
    slots.moveCall(0, 2);
    const id = (slot: number) => new DataView(memory).getBigUint64(slot * SlotLayout.SIZE, true);
    expect([id(0), id(1), id(2)]).toEqual([0n, 0n, 7n]);
  });
});
