import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  findNode,
  isEnabled,
  platformNameOf,
  removeNode,
  strings,
  walk,
} from '../../../src/devicetree/index.js';
import { GpuvmError } from '../../../src/errors.js';
import { builtinProfiles, selectDevices } from '../../../src/passthrough/index.js';
import { hostTree } from '../../devicetree/fixtures/tegra234.js';
import { select } from '../devices.js';

const tree = hostTree();

function refusal(...names: readonly string[]): string {
  try {
    select(tree, ...names);
  } catch (error) {
    if (GpuvmError.is(error)) return `${error.code}: ${error.message}`;
  }
  return 'none';
}

describe('naming a device of the host', () => {
  it.each([['/bus@0/gpu@17000000'], ['/bus@0/gpu'], ['gpu'], ['gpu@17000000'], ['17000000.gpu']])(
    'takes %s',
    (name) => {
      expect(select(tree, name)).toMatchObject([
        {
          name: 'gpu@17000000',
          host: '17000000.gpu',
          profile: { name: 'gpu' },
          regions: [{ address: 0x1700_0000n }, {}, {}],
        },
      ]);
    },
  );

  it.each([
    ['mmc0', 'mmc@3460000'],
    ['nvjpg', 'nvjpg@15380000'],
    ['nvjpg1', 'nvjpg@15540000'],
    ['hda', 'hda@3510000'],
    // The stand-in that the host's overlay puts beside it, on a host without the overlay.
    ['13e00000.host1x_pt', 'host1x@13e00000'],
  ])('takes %s, an alias, label, plain name or stand-in, for %s', (name, expected) => {
    expect(select(tree, name).map((device) => device.name)).toEqual([expected]);
  });

  it('takes a device once, whatever it is called', () => {
    expect(select(tree, 'gpu', '17000000.gpu', '/bus@0/gpu@17000000')).toHaveLength(1);
  });

  it('takes what the tree lacks from its profile', () => {
    const without = hostTree();
    removeNode(without, findNode(without, '/bus@0/gpu@17000000')!);
    without.root.child('__symbols__')?.properties.delete('gpu');
    for (const name of ['gpu', 'gpu@17000000', '17000000.gpu'])
      expect(select(without, name)).toMatchObject([
        {
          name: 'gpu@17000000',
          host: '17000000.gpu',
          node: undefined,
          known: { clocks: [{ name: 'GPUSYS' }, {}, {}] },
        },
      ]);
    expect(() => select(without, 'gpu@18000000')).toThrow(/has no device "gpu@18000000"/);
  });

  it('does not take one of two devices of a kind for the other that the profile knows', () => {
    expect(select(tree, 'nvjpg@15380000')[0]?.known).toBeUndefined();
    expect(select(tree, 'nvjpg@15540000')[0]?.known).toBeDefined();
  });

  it('takes the device behind a stand-in', () => {
    const bound = hostTree();
    const standIn = findNode(bound, '/bus@0')!.add('host1x_pt@13e00000');
    standIn.set('compatible', strings('nvidia,dummy'));
    standIn.set('reg', findNode(bound, '/bus@0/host1x@13e00000')!.get('reg')!);
    findNode(bound, '/bus@0/host1x@13e00000')!.set('status', strings('disabled'));
    expect(select(bound, '13e00000.host1x_pt')[0]?.node?.path).toBe('/bus@0/host1x@13e00000');
  });

  it('passes over carve-outs, which need nothing', () => {
    const wanted = [{ name: '80000000.vm_cma_p', isCarveOut: true }, { name: 'gpu' }];
    expect(selectDevices(tree, wanted, builtinProfiles).map(({ name }) => name)).toEqual(['gpu@17000000']);
  });

  it('refuses what nobody knows, and says what is near', () => {
    expect(refusal('gpu@1700000')).toBe(
      `GPUVM_USAGE: the host's tree has no device "gpu@1700000", and no profile knows it: did you mean gpu@17000000?`,
    );
    expect(refusal('zzzzzzzzzzzz')).toMatch(/give its path, label or unit name/);
    expect(refusal('/')).toMatch(/^GPUVM_USAGE/);
    expect(refusal('crypto')).toMatch(
      /crypto may be .*crypto@15820000, .*crypto@15840000: give one of these/,
    );
  });

  it('finds every device by each of its names, and never fails but with a mistake of the user', () => {
    const nodes = [...walk(tree.root)].filter((node) => node.get('compatible') && node.name.includes('@'));
    for (const node of nodes) {
      expect(select(tree, node.path)[0]?.node).toBe(node);
      // Two nodes at one place, of which one is off: sysfs has the other.
      if (isEnabled(node)) expect(select(tree, platformNameOf(node))[0]?.node).toBe(node);
    }
    fc.assert(fc.property(fc.string(), (name) => /^(none|GPUVM_USAGE: .*)$/s.test(refusal(name))));
  });
});
