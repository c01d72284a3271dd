import { cells, emptyTree, strings, type Tree, u64s } from '../../src/devicetree/index.js';

/** What counts of the tree that QEMU makes for `virt`, with a /bpmp of the window's bridge in it. */
export function virtTree({ busBase = 0x6000_0000n, ramBase = 0x20_0000_0000n, cpus = 2 } = {}): Tree {
  const tree = emptyTree();
  const { root } = tree;
  root
    .set('interrupt-parent', cells(0x8002))
    .set('dma-coherent', new Uint8Array(0))
    .set('model', strings('linux,dummy-virt'))
    .set('#size-cells', cells(2))
    .set('#address-cells', cells(2))
    .set('compatible', strings('linux,dummy-virt'));
  root
    .add(`memory@${ramBase.toString(16)}`)
    .set('reg', u64s(ramBase, 1n << 30n))
    .set('device_type', strings('memory'));
  root
    .add(`platform-bus@${busBase.toString(16)}`)
    .set('interrupt-parent', cells(0x8002))
    .set('ranges', cells(0, busBase, 0x200_0000))
    .set('#address-cells', cells(1))
    .set('#size-cells', cells(1))
    .set('compatible', strings('qemu,platform', 'simple-bus'));
  root
    .add('intc@8000000')
    .set('phandle', cells(0x8002))
    .set('reg', u64s(0x800_0000n, 0x1_0000n, 0x801_0000n, 0x1_0000n))
    .set('compatible', strings('arm,cortex-a15-gic'))
    .set('#interrupt-cells', cells(3))
    .set('#address-cells', cells(0))
    .set('interrupt-controller', new Uint8Array(0));
  const list = root.add('cpus').set('#size-cells', cells(0)).set('#address-cells', cells(1));
  for (let cpu = 0; cpu < cpus; cpu++)
    list
      .add(`cpu@${cpu}`)
      .set('reg', cells(cpu))
      .set('compatible', strings('arm,cortex-a72'))
      .set('device_type', strings('cpu'))
      .set('enable-method', strings('psci'));
  root.add('chosen').set('stdout-path', strings('/pl011@9000000'));
  root
    .add('bpmp')
    .set('compatible', strings('nvidia,tegra234-bpmp', 'nvidia,tegra186-bpmp'))
    .set('#clock-cells', cells(1))
    .set('#reset-cells', cells(1))
    .set('#power-domain-cells', cells(1))
    .set('virtual-pa', u64s(0x090c_0000n));
  return tree;
}
