import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createBackend } from '../../../src/bpmp/backend/index.js';
import { parentsOf } from '../../../src/bpmp/mediator/index.js';
import { type CompiledPolicy, parsePolicy } from '../../../src/bpmp/policy/index.js';
import { tegra234 } from '../../../src/bpmp/tegra234/index.js';
import {
  ClkCommand,
  classify,
  Mrq,
  newShape,
  PgCommand,
  ResetCommand,
} from '../../../src/bpmp/wire/index.js';
import { parseVmFile } from '../../../src/config/index.js';
import {
  cells,
  findLabel,
  parseTree,
  phandleOf,
  readCells,
  strings,
  type Tree,
  walk,
} from '../../../src/devicetree/index.js';
import { GpuvmError } from '../../../src/errors.js';
import {
  type AllowEntry,
  type AllowList,
  allowedProperties,
  allowedSource,
  allowListOf,
  analyze,
  builtinProfiles,
  closeOverParents,
  compareAllowed,
  isEqual,
  makeHostOverlay,
  policyText,
  presentInNode,
  presentInPolicy,
  type ResourceKind,
  selectDevices,
} from '../../../src/passthrough/index.js';
import { dtc } from '../../devicetree/dtc.js';
import { hostTree } from '../../devicetree/fixtures/tegra234.js';
import { FIVE, select, UNION } from '../devices.js';

const example = new URL('../../../examples/policies/gpu.yaml', import.meta.url).pathname;
const KINDS: readonly ResourceKind[] = ['clocks', 'resets', 'powerDomains'];

const listOf = (names: readonly string[], tree: Tree = hostTree()) =>
  allowListOf(tree, select(tree, ...names));
const ids = (entries: readonly AllowEntry[]) => entries.map(({ id }) => id);
const entry = (list: AllowList, name: string) => list.clocks.find((each) => each.name === name);

const backend = createBackend({ kind: 'simulated' });
const ask = (clock: number) => parentsOf([clock], backend, tegra234.clocks.maxId);
const closed = (list: AllowList) => closeOverParents(list, ask);

describe('the allow-list of the five devices', () => {
  const list = listOf(FIVE);

  it('is the union of what they use, and no more', () => {
    for (const kind of KINDS) expect(ids(list[kind])).toEqual(UNION[kind]);
  });

  it('marks what the host uses too, with the names of its users', () => {
    expect(KINDS.flatMap((kind) => list[kind]).filter(({ shared }) => shared)).toMatchObject([
      { id: 40, name: 'FUSE', usedBy: ['fuse@3810000', 'display@13800000'], wouldUse: [] },
    ]);
  });

  it('gives each entry its reason: the device, the property, and what the driver calls it', () => {
    expect(entry(list, 'FUSE')?.reason).toBe('nvdec@15480000: clocks[1] "fuse"');
    expect(entry(list, 'GPC0CLK')).toMatchObject({
      right: 'tune',
      reason: `gpu@17000000: clocks[1] "gpc0clk"; the GPU's driver scales it by load`,
      devices: ['gpu@17000000'],
    });
  });
});

describe('what is shared', () => {
  it('is not what only a switched-off device uses; that one is told of apart', () => {
    // The TSEC in host1x is off.
    expect(entry(listOf(['nvdec@15480000']), 'TSEC_PKA')).toMatchObject({
      shared: false,
      usedBy: [],
      wouldUse: ['tsec@15500000'],
    });
    const tree = hostTree();
    findLabel(tree, 'tsec')!.set('status', strings('okay'));
    expect(entry(listOf(['nvdec@15480000'], tree), 'TSEC_PKA')).toMatchObject({
      shared: true,
      usedBy: ['tsec@15500000'],
    });
    // With host1x it is gone from the host, whatever its status.
    expect(entry(listOf(['host1x', 'nvdec@15480000'], tree), 'TSEC_PKA')?.shared).toBe(false);
  });

  it('is every root of the clocks, and what the display has in common with those that stay', () => {
    const list = listOf(['display']);
    expect(list.clocks.filter(({ shared }) => shared).map(({ name }) => name)).toEqual([
      'FUSE',
      'OSC',
      'CLK_M',
      'PLLP_OUT0',
    ]);
    // The sound of the display is switched off with it, by the display's profile.
    expect(list.powerDomains).toMatchObject([{ name: 'DISP', shared: false, wouldUse: ['hda@3510000'] }]);
    expect(listOf(['hda']).powerDomains).toMatchObject([
      { name: 'DISP', shared: true, usedBy: ['display@13800000'] },
    ]);
  });

  it('is a parent that the kernel puts a clock on, and never tuned', () => {
    const list = listOf(['i2s@1000']);
    expect(entry(list, 'I2S1')).toMatchObject({ right: 'tune', shared: false });
    expect(entry(list, 'PLLA_OUT0')).toMatchObject({ right: 'use', shared: true });
  });
});

describe('which nodes are asked', () => {
  it('are those below a device that its guest gets with it, as far as they are on', () => {
    expect(listOf(['xusb_padctl']).clocks).toMatchObject([
      { name: 'USB2_TRK', reason: 'padctl@3520000/pads/usb2: clocks[0] "trk"' },
    ]);
    const tree = hostTree();
    tree.root
      .child('bus@0')!
      .child('padctl@3520000')!
      .child('pads')!
      .child('usb2')!
      .set('status', strings('disabled'));
    expect(listOf(['xusb_padctl'], tree).clocks).toEqual([]);
    // An engine comes by itself.
    expect(listOf(['host1x']).clocks.map(({ name }) => name)).toEqual(['HOST1X', 'ACTMON']);
  });

  it('are none of another firmware: its numbers mean something else', () => {
    const tree = hostTree();
    findLabel(tree, 'bpmp')!.set('compatible', strings('nvidia,tegra186-bpmp'));
    expect(listOf(['uarta'], tree).clocks).toEqual([]);
  });

  it('has a number without a name by itself', () => {
    const tree = hostTree();
    findLabel(tree, 'uarta')!.set('clocks', cells(phandleOf(findLabel(tree, 'bpmp')!)!, 40_000));
    expect(listOf(['uarta'], tree).clocks).toMatchObject([{ id: 40_000, name: '40000' }]);
  });
});

describe('the clocks above', () => {
  it('are shared, each with what it is above and who of the host hangs on it', async () => {
    const list = await closed(listOf(FIVE));
    expect(list.isClosed).toBe(true);
    expect(ids(list.clocks).slice(0, 10)).toEqual(UNION.clocks);
    const above = list.clocks.slice(10);
    expect(
      above.every(({ shared, right, devices }) => shared && right === 'use' && devices.length === 0),
    ).toBe(true);
    expect(above.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['OSC', 'CLK_M', 'PLLP_OUT0', 'NAFLL_GPUSYS']),
    );
    expect(entry(list, 'NAFLL_VIC')).toMatchObject({ reason: 'above VIC', usedBy: [] });
    // By its own node's clocks, and through others.
    expect(entry(list, 'PLLP_OUT0')?.usedBy).toEqual(expect.arrayContaining(['i2c@3160000', 'mmc@3460000']));
    expect(new Set(ids(list.clocks)).size).toBe(list.clocks.length);
  });

  it("make a clock of the VM's shared where a clock of the host's hangs on it", async () => {
    const list = await closeOverParents(listOf(['nvjpg1']), async (clock) => (clock === 123 ? [20] : []));
    expect(entry(list, 'NVJPG1')).toMatchObject({ shared: true, usedBy: ['mmc@3460000'] });
  });
});

/** What a policy decides of every request about one resource. */
function decisions(policy: CompiledPolicy): Map<string, string> {
  const found = new Map<string, string>();
  const shape = newShape();
  const add = (name: string, mrq: number, ...words: readonly number[]) => {
    const tx = new Uint8Array(32);
    words.forEach((word, at) => {
      new DataView(tx.buffer).setUint32(4 * at, word >>> 0, true);
    });
    const { verdict, hidden } = policy.decide(classify(mrq, tx, shape), tx);
    found.set(name, `${verdict}${hidden ? ' hidden' : ''}`);
  };
  for (const id of tegra234.clocks.ids) {
    for (const [command, number] of Object.entries(ClkCommand))
      if (command !== 'SET_PARENT')
        add(`CLK ${command} ${id}`, Mrq.CLK, (number << 24) | id, 0, 1_000_000, 0);
    add(`CLK SET_PARENT ${id}`, Mrq.CLK, (ClkCommand.SET_PARENT << 24) | id, 102);
  }
  for (const id of tegra234.resets.ids)
    for (const [command, number] of Object.entries(ResetCommand))
      add(`RESET ${command} ${id}`, Mrq.RESET, number, id);
  for (const id of tegra234.powerDomains.ids)
    for (const state of [0, 1])
      for (const [command, number] of Object.entries(PgCommand))
        add(`PG ${command} ${id} ${state}`, Mrq.PG, number, id, state);
  return found;
}

describe('the policy that is written', () => {
  it('is one, without a warning, and grants the list', () => {
    const policy = parsePolicy(policyText(listOf(FIVE), 'host.dtb')).compile();
    expect(policy.warnings).toEqual([]);
    expect(policy.grantedClocks).toEqual([...UNION.clocks].sort((a, b) => a - b));
    expect(policy.isShared('clock', 40)).toBe(true);
    expect(policy.isShared('clock', 304)).toBe(false);
  });

  it('says the reason behind each line, and leaves private parents to the run', async () => {
    const text = policyText(await closed(listOf(FIVE)), 'host.dtb');
    expect(text).toContain('\n  FUSE: shared # clocks[1] "fuse"; also fuse@3810000, display@13800000\n');
    expect(text).toContain("\n  # NAFLL_VIC: above VIC, and nobody else's\n");
    expect(text).toMatch(/\n {2}PLLP_OUT0: shared # above GPUSYS, .*; also .* and \d+ more\n/);
    expect(parsePolicy(text).compile().warnings).toEqual([]);
  });

  it.each(['as it is', 'closed'])(
    'decides as the example does, %s, but for its highest rates',
    async (how) => {
      const list = listOf(FIVE);
      const written = policyText(how === 'closed' ? await closed(list) : list, 'host.dtb');
      const compiled = async (text: string) => {
        const policy = parsePolicy(text);
        const sharedParents = {
          clocks: await parentsOf(policy.compile().grantedClocks, backend, tegra234.clocks.maxId),
        };
        return policy.compile({ sharedParents });
      };
      const theirs = await compiled(readFileSync(example, 'utf8'));
      const ours = await compiled(written);
      expect(decisions(ours)).toEqual(decisions(theirs));
      // A tree does not say how fast a clock may go, so no ceiling can follow from it.
      const fast = new Uint8Array(32);
      const view = new DataView(fast.buffer);
      view.setUint32(0, (ClkCommand.SET_RATE << 24) | 41, true);
      view.setUint32(8, 2_000_000_000, true);
      const shape = newShape();
      expect(theirs.decide(classify(Mrq.CLK, fast, shape), fast).verdict).toBe('deny');
      expect(ours.decide(classify(Mrq.CLK, fast, shape), fast).verdict).toBe('allow');
    },
  );
});

describe("the host driver's lists", () => {
  it('hold the numbers, and are source that dtc takes', () => {
    const list = listOf(FIVE);
    const properties = allowedProperties(list);
    expect([...properties.keys()]).toEqual(['allowed-clocks', 'allowed-resets', 'allowed-power-domains']);
    expect(readCells(properties.get('allowed-clocks'))).toEqual(UNION.clocks);
    const tree = parseTree(
      dtc(Buffer.from(`/dts-v1/;\n/ {\n${allowedSource(list)}};\n`), 'dts', 'dtb', '-@'),
    );
    const node = findLabel(tree, 'bpmp_host_proxy')!;
    for (const [name, value] of properties) expect(node.get(name)).toEqual(value);
    expect(allowedSource(list)).toContain('<40>, /* FUSE, shared */');
    expect(isEqual(compareAllowed(list, presentInNode(node)))).toBe(true);
  });

  it('are refused where they are longer than the driver takes', () => {
    const tree = hostTree();
    const bpmp = phandleOf(findLabel(tree, 'bpmp')!)!;
    findLabel(tree, 'uarta')!.set(
      'clocks',
      cells(...Array.from({ length: 257 }, (_, id) => [bpmp, id]).flat()),
    );
    expect(() => allowedSource(listOf(['uarta'], tree))).toThrow(GpuvmError);
    expect(() => allowedSource(listOf(['uarta'], tree))).toThrow(/allowed-clocks would have 257 entries/);
  });
});

describe('comparing', () => {
  const node = (clocks: readonly number[], resets: readonly number[], domains: readonly number[]) => {
    const proxy = hostTree().root.add('bpmp_host_proxy');
    return proxy
      .set('allowed-clocks', cells(...clocks))
      .set('allowed-resets', cells(...resets))
      .set('allowed-power-domains', cells(...domains));
  };

  it('says what a node lacks and what it has too much', () => {
    const { clocks, resets, powerDomains } = UNION;
    const list = listOf(FIVE);
    const found = compareAllowed(
      list,
      presentInNode(node([...clocks.slice(1), 155, 102], resets, powerDomains)),
    );
    expect(found.clocks.missing).toMatchObject([{ name: 'GPUSYS' }]);
    expect(found.clocks.superfluous).toEqual([{ id: 155, name: 'UARTA' }]);
    // Nobody asked what is above.
    expect(found.clocks.unknown).toEqual([{ id: 102, name: 'PLLP_OUT0' }]);
    expect(isEqual(found)).toBe(false);
    expect(isEqual(compareAllowed(list, presentInNode(node([...clocks, 102], resets, powerDomains))))).toBe(
      true,
    );
  });

  it('wants the parents in a node, and not in a policy, which is given them', async () => {
    const list = await closed(listOf(FIVE));
    const { clocks, resets, powerDomains } = UNION;
    const inNode = compareAllowed(list, presentInNode(node(clocks, resets, powerDomains)));
    expect(inNode.clocks.missing.map(({ name }) => name)).toContain('PLLP_OUT0');
    const inPolicy = compareAllowed(list, presentInPolicy(parsePolicy(readFileSync(example, 'utf8'))));
    expect(isEqual(inPolicy)).toBe(true);
    expect(inPolicy.clocks.unknown).toEqual([]);
  });

  it('finds what a policy gives to the VM alone although the host uses it', () => {
    const text = readFileSync(example, 'utf8').replace('FUSE: shared', 'FUSE: use');
    const found = compareAllowed(listOf(FIVE), presentInPolicy(parsePolicy(text)));
    expect(found.clocks.notShared).toMatchObject([{ name: 'FUSE' }]);
    expect(isEqual(found)).toBe(false);
  });
});

const VM = `
name: vm
machine: virt
memory: 4G
platformDevices:
  - { host: 80000000.vm_cma_p, mmioBase: 0x80000000, regions: [16M], interrupts: 0 }
  - { host: 17000000.gpu }
  - { host: 13e00000.host1x_pt }
  - { host: 15340000.vic }
  - { host: 15480000.nvdec }
  - { host: 15540000.nvjpg }
`;

describe('on a host that has been made ready', () => {
  it('is what it was before, by whatever name the devices go there', () => {
    const before = hostTree();
    const devices = parseVmFile(VM, { file: 'vm.yaml' }).platformDevices;
    const wanted = devices.map(({ host, mmioBase }) => ({ name: host, isCarveOut: mmioBase !== undefined }));
    const list = allowListOf(before, selectDevices(before, wanted, builtinProfiles));
    const { applied } = makeHostOverlay({
      tree: before,
      from: 'host.dtb',
      vm: 'vm',
      devices,
      profiles: builtinProfiles,
      allowList: list,
    });
    const after = allowListOf(applied, selectDevices(applied, wanted, builtinProfiles));
    for (const kind of KINDS) {
      expect(ids(after[kind])).toEqual(UNION[kind]);
      expect(after[kind].map(({ shared, usedBy }) => [shared, usedBy])).toEqual(
        list[kind].map(({ shared, usedBy }) => [shared, usedBy]),
      );
    }
    // Neither a stand-in nor a reservation is a neighbour that would have to go along.
    const { related } = analyze(applied, selectDevices(applied, wanted, builtinProfiles), builtinProfiles);
    expect(related.filter(({ consequence }) => consequence === 'move')).toEqual([]);
    // By the names of the nodes that stand for them, too.
    expect(ids(allowListOf(applied, select(applied, 'host1x_pt@13e00000')).clocks)).toEqual([46, 1]);
    const node = [...walk(applied.root)].find(({ name }) => name === 'bpmp_host_proxy')!;
    expect(isEqual(compareAllowed(after, presentInNode(node)))).toBe(true);
  });
});
