import { beforeEach, describe, expect, it } from 'vitest';
import { BPMP_BIT } from '../../../../../src/bpmp/bridge/vfio-user/ivc/abi.js';
import { Doorbell } from '../../../../../src/bpmp/bridge/vfio-user/ivc/doorbell.js';

describe("the guest's doorbell", () => {
  let doorbell: Doorbell;
  beforeEach(() => {
    doorbell = new Doorbell();
    doorbell.enable(BPMP_BIT);
  });

  it('is wanted until the guest has read it, and pending until it is cleared', () => {
    doorbell.ring();
    expect([doorbell.isWanted, doorbell.pending]).toEqual([true, BPMP_BIT]);
    doorbell.seen();
    expect([doorbell.isWanted, doorbell.pending]).toEqual([false, BPMP_BIT]);
    doorbell.clear(doorbell.pending);
    expect([doorbell.isWanted, doorbell.pending]).toEqual([false, 0]);
  });

  it('keeps a ring between reading and clearing, which a posted write overtakes', () => {
    doorbell.ring();
    doorbell.seen();
    doorbell.ring();
    doorbell.clear(BPMP_BIT);
    expect([doorbell.isWanted, doorbell.pending]).toEqual([true, BPMP_BIT]);
    doorbell.seen();
    doorbell.clear(BPMP_BIT);
    expect([doorbell.isWanted, doorbell.pending]).toEqual([false, 0]);
  });
});
