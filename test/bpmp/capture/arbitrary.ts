import fc from 'fast-check';
import type { TransferRecord } from '../../../src/bpmp/capture/index.js';

const bytes = (most: number) => fc.uint8Array({ maxLength: most });
const count = fc.oneof(
  fc.nat(1000),
  fc.nat(),
  fc.integer({ min: 2 ** 31, max: 2 ** 33 }),
  fc.maxSafeInteger().map(Math.abs),
);

/** Any transfer at all: every kind of text, length and number that a record can hold. */
export const anyTransfer: fc.Arbitrary<TransferRecord> = fc.record({
  sequence: count,
  vm: fc.oneof(fc.constantFrom('orin', 'left', 'right'), fc.string({ unit: 'binary', maxLength: 300 })),
  timeNs: fc.oneof(
    fc.bigInt({ min: 1_700_000_000_000_000_000n, max: 1_900_000_000_000_000_000n }),
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  ),
  mrq: fc.oneof(fc.nat(100), fc.integer({ min: 0, max: 0xffff_ffff })),
  tx: fc.oneof({ weight: 9, arbitrary: bytes(120) }, { weight: 1, arbitrary: bytes(2000) }),
  verdict: fc.constantFrom('allow', 'deny', 'absorb', 'malformed'),
  hidden: fc.constantFrom(true, undefined),
  observed: fc.constantFrom(true, undefined),
  rule: fc.oneof(
    fc.constantFrom('', 'policies/gpu.yaml:12 clocks.GPUSYS', 'built-in: shared roots'),
    fc.string({ unit: 'binary', maxLength: 400 }),
  ),
  ret: fc.oneof(fc.constantFrom(0, -1, -22), fc.integer()),
  rx: fc.oneof({ weight: 9, arbitrary: bytes(120) }, { weight: 1, arbitrary: bytes(2000) }),
  latencyNs: count,
  thread: fc.oneof(fc.constant(undefined), fc.integer({ min: 1, max: 0xffff_ffff })),
});
