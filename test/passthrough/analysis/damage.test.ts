import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsePolicy } from '../../../src/bpmp/policy/index.js';
import { strings, walk } from '../../../src/devicetree/index.js';
import { allowListOf, analyze, builtinProfiles, policyText } from '../../../src/passthrough/index.js';
import { hostTree } from '../../devicetree/fixtures/tegra234.js';
import { FIVE, select } from '../devices.js';

/** What is read of nodes. */
const PROPERTIES = [
  ...['clocks', 'clock-names', 'assigned-clocks', 'assigned-clock-parents', 'resets', 'power-domains'],
  ...['iommus', 'iommu-map', 'iommu-map-mask', 'stream-match-mask', '#iommu-cells', '#clock-cells'],
  ...['interrupts', 'interrupts-extended', 'interrupt-parent', 'interrupt-names', '#interrupt-cells'],
  ...['reg', 'ranges', 'compatible', 'status', 'phandle', 'memory-region', 'interconnects', 'nvidia,bpmp'],
  ...['nvidia,host1x', 'stdout-path', '#address-cells', '#size-cells'],
];

describe('a tree that makes no sense', () => {
  it('is analyzed for what it says, within its size, and the policy is one', () => {
    const words = fc.oneof(fc.integer({ min: 0, max: 200 }), fc.constantFrom(0, 0xffff_ffff, 0x8000_0000));
    const change = fc.record({
      node: fc.nat(),
      property: fc.constantFrom(...PROPERTIES),
      value: fc.oneof(
        fc.uint8Array({ maxLength: 24 }),
        fc
          .array(fc.string({ unit: 'binary' }), { maxLength: 3 })
          .map((each) => strings('a\nEMC: tune', ...each)),
        fc.array(words, { maxLength: 12 }).map((each) => {
          const bytes = new Uint8Array(4 * each.length);
          each.forEach((word, at) => {
            new DataView(bytes.buffer).setUint32(4 * at, word);
          });
          return bytes;
        }),
      ),
    });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 20 }), (changes) => {
        const tree = hostTree();
        const devices = select(tree, ...FIVE);
        const nodes = [...walk(tree.root)];
        for (const { node, property, value } of changes) nodes[node % nodes.length]!.set(property, value);
        const started = performance.now();
        const { related } = analyze(tree, devices, builtinProfiles);
        expect(related.length).toBeLessThan(20 * nodes.length);
        const { file } = parsePolicy(policyText(allowListOf(tree, devices), 'host.dtb'), { file: 'made' });
        expect(file).toBe('made');
        expect(performance.now() - started).toBeLessThan(10_000);
      }),
      { numRuns: 60 },
    );
  });
});
