import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { cells, EMPTY, emptyTree, strings, type Tree, writeTree } from '../../../src/devicetree/index.js';
import { ask, folder, removeFolder } from './ask.js';
import { fakeQemu, orinQemu, removeFakes } from './fake-qemu.js';

afterAll(() => {
  removeFakes();
  removeFolder();
});

const like = (pattern: RegExp) => expect.stringMatching(pattern);
const binary = fakeQemu(orinQemu);
const devices = `platformDevices:
  - { host: 80000000.vm_cma_p, mmioBase: 0x80000000, regions: [1M], interrupts: 0 }
  - { host: 15340000.vic, regions: [0x40000], interrupts: 1 }
`;

interface Parts {
  readonly cpus?: number;
  readonly memory?: bigint;
  readonly window?: readonly number[] | undefined;
  /** Where the platform bus's node has the engine, and its interrupt. */
  readonly address?: bigint;
  readonly spi?: number;
  readonly bootargs?: string;
  readonly hasEngine?: boolean;
}

let count = 0;

/** A guest's tree as somebody would write it for two CPUs, 1 GiB and the devices above. */
function guestTree({
  cpus = 2,
  memory = 1n << 30n,
  address = 0x6000_0000n,
  spi = 112,
  hasEngine = true,
  bootargs,
  ...rest
}: Parts = {}): string {
  const tree: Tree = emptyTree();
  const two = (node: Tree['root']) => node.set('#address-cells', cells(2)).set('#size-cells', cells(2));
  const root = two(tree.root);
  root
    .add('memory@2000000000')
    .set('device_type', strings('memory'))
    .set('reg', cells(0x20_0000_0000n, memory));
  const nodes = root.add('cpus');
  for (let cpu = 0; cpu < cpus; cpu++) nodes.add(`cpu@${cpu}`).set('device_type', strings('cpu'));
  nodes.add('cpu-map');
  const chosen = root.add('chosen');
  if (bootargs !== undefined) chosen.set('bootargs', strings(bootargs));
  const window = 'window' in rest ? rest.window : [0, 0x90c_0000];
  const bpmp = root.add('bpmp');
  if (window) bpmp.set('virtual-pa', cells(...window));
  if (hasEngine) {
    const bus = two(root.add('platform-bus@60000000')).set('ranges', cells(0x1534_0000n, address, 0x4_0000n));
    bus
      .add('vic@15340000')
      .set('reg', cells(0x1534_0000n, 0x4_0000n))
      .set('interrupts', cells(0, spi, 4))
      .set('dma-coherent', EMPTY);
  }
  const path = join(folder, `guest-${++count}.dtb`);
  writeFileSync(path, writeTree(tree));
  return path;
}

const vm = (dtb: string | undefined, more = devices, smp: number | string = 2) =>
  `name: vm\nmachine: virt\nsmp: ${smp}\nmemory: 1G\nkernel: Image\nqemu: { binary: ${binary} }\n${dtb ? `dtb: ${dtb}\n` : ''}bridge: { kind: interposed, guestAddress: 0x090c0000 }\npolicy: p.yaml\n${more}`;

describe('guest.append', () => {
  const line = (append: string) => `${devices}append: ${append}\n`;

  it('is well with both words', async () => {
    const text = vm(undefined, line('clk_ignore_unused pd_ignore_unused quiet'));
    expect(await ask('guest.append', text)).toMatchObject([{ status: 'ok' }]);
  });

  it.each([
    ['clk_ignore_unused', 'pd_ignore_unused'],
    ['clk_ignore_unusedx pd_ignore_unused', 'clk_ignore_unused'],
    ['quiet', 'clk_ignore_unused and pd_ignore_unused'],
  ])('fails with %s', async (append, missing) => {
    const text = vm(undefined, line(append));
    expect(await ask('guest.append', text)).toMatchObject([
      { status: 'fail', what: like(new RegExp(`^without ${missing} the`)), fix: like(/add to append/) },
    ]);
  });

  it("takes the tree's own line where the VM file has none", async () => {
    const bootargs = 'clk_ignore_unused pd_ignore_unused';
    expect(await ask('guest.append', vm(guestTree({ bootargs })))).toMatchObject([{ status: 'ok' }]);
    expect(await ask('guest.append', vm(guestTree()))).toMatchObject([{ status: 'fail' }]);
  });

  it('is well where a run makes the tree, and fails where nobody does', async () => {
    expect(await ask('guest.append', vm(undefined))).toMatchObject([{ status: 'ok' }]);
    const own = `${devices}deviceTree: { describeDevices: false }\n`;
    expect(await ask('guest.append', vm(undefined, own))).toMatchObject([{ status: 'fail' }]);
  });

  it('is nothing to a guest without platform devices', async () => {
    expect(await ask('guest.append', vm(undefined, ''))).toEqual([]);
  });
});

describe('guest.cpus', () => {
  it('is well where the tree has as many', async () => {
    expect(await ask('guest.cpus', vm(guestTree()))).toMatchObject([{ status: 'ok' }]);
    expect(await ask('guest.cpus', vm(guestTree({ cpus: 4 }), devices, 'cores=2,threads=2'))).toMatchObject([
      { status: 'ok' },
    ]);
  });

  it('fails where it has others', async () => {
    expect(await ask('guest.cpus', vm(guestTree({ cpus: 4 })))).toMatchObject([
      { status: 'fail', what: "the guest's tree has 4 CPUs, and smp is 2", fix: like(/dumpdtb/) },
    ]);
  });

  it('is nothing without a tree of its own', async () => {
    expect(await ask('guest.cpus', vm(undefined))).toEqual([]);
    expect(await ask('guest.cpus', vm('/nowhere.dtb'))).toEqual([]);
  });
});

describe('guest.memory', () => {
  it('is well where it is the same, and warns where not', async () => {
    expect(await ask('guest.memory', vm(guestTree()))).toMatchObject([{ status: 'ok' }]);
    expect(await ask('guest.memory', vm(guestTree({ memory: 2n << 30n })))).toMatchObject([
      { status: 'warn', what: like(/2048 MiB of memory, and the VM 1024 MiB/) },
    ]);
  });
});

describe('guest.window', () => {
  it('is well where both say the same', async () => {
    expect(await ask('guest.window', vm(guestTree()))).toMatchObject([
      { status: 'ok', what: like(/0x90c0000/) },
    ]);
  });

  it('fails where they differ, or the tree says nothing', async () => {
    expect(await ask('guest.window', vm(guestTree({ window: [0, 0x90d_0000] })))).toMatchObject([
      {
        status: 'fail',
        what: like(/window at 0x90d0000, and the VM has it at 0x90c0000/),
        fix: like(/virtual-pa to <0x0 0x90c0000>/),
      },
    ]);
    expect(await ask('guest.window', vm(guestTree({ window: undefined })))).toMatchObject([
      { status: 'fail', fix: like(/virtual-pa = <0x0 0x90c0000>/) },
    ]);
  });

  it('reads all 64 bits', async () => {
    expect(await ask('guest.window', vm(guestTree({ window: [1, 0x90c_0000] })))).toMatchObject([
      { status: 'fail', what: like(/0x1090c0000/) },
    ]);
  });
});

describe('guest.devices', () => {
  it('is well where the tree has the devices where QEMU puts them', async () => {
    expect(await ask('guest.devices', vm(guestTree()))).toMatchObject([
      { id: 'guest.devices/15340000.vic', status: 'ok' },
    ]);
  });

  it('fails with another address, or another interrupt', async () => {
    expect(await ask('guest.devices', vm(guestTree({ address: 0x6004_0000n })))).toMatchObject([
      { status: 'fail', what: like(/region 1 will be at 0x60000000, and the tree has 0x60040000/) },
    ]);
    expect(await ask('guest.devices', vm(guestTree({ spi: 113 })))).toMatchObject([
      { status: 'fail', what: like(/SPIs will be 112, and the tree has 113/), fix: like(/gpuvm plan/) },
    ]);
  });

  it('fails where a device with interrupts is not in it', async () => {
    expect(await ask('guest.devices', vm(guestTree({ hasEngine: false })))).toMatchObject([
      { id: 'guest.devices/15340000.vic', status: 'fail', what: like(/no node for 15340000\.vic/) },
    ]);
  });

  it('warns where its place is not known', async () => {
    const unknown = 'platformDevices: [{ host: 15340000.vic }]\n';
    expect(await ask('guest.devices', vm(guestTree(), unknown))).toMatchObject([
      { status: 'warn', fix: like(/--host-tree/) },
    ]);
  });
});
