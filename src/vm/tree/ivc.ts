import { IVC_DEVICES, IVC_MISC, IVC_SPI } from '../../bpmp/bridge/vfio-user/index.js';
import type { GuestView } from '../../bpmp/worker/index.js';
import {
  cells,
  EMPTY,
  ensurePhandle,
  setLabel,
  strings,
  type Tree,
  type TreeNode,
} from '../../devicetree/index.js';
import { addBpmp, addDevice, gicOf, regOf } from './nodes.js';

/** How much of the HSP its driver maps. */
const HSP_SIZE = 0xa_0000n;
/** dt-bindings/mailbox/tegra186-hsp.h: a doorbell, the BPMP's. */
const HSP_DOORBELL = 0;
const HSP_MASTER_BPMP = 19;
/** Of the GIC's three cells: a shared interrupt, high level. */
const GIC_SPI = 0;
const LEVEL_HIGH = 4;
const PAGE = 0x1000;
/** The BPMP's I2C bus of a Tegra234. */
const CHIPS_BUS = 5;

/**
 * The BPMP as Linux's own drivers find it, after arch/arm64/boot/dts/nvidia/tegra234.dtsi: doorbells, shared memory, the
 * BPMP and what hangs on it.
 */
export function addIvc(tree: Tree): void {
  const hsp = addHsp(tree);
  const { tx, rx } = addSram(tree);
  addMisc(tree);
  const bpmp = addBpmp(tree.root)
    .set('mboxes', cells(ensurePhandle(tree, hsp), HSP_DOORBELL, HSP_MASTER_BPMP))
    .set('shmem', cells(ensurePhandle(tree, tx), ensurePhandle(tree, rx)));
  setLabel(tree, 'bpmp', bpmp);
  const i2c = bpmp
    .ensure('i2c')
    .set('compatible', strings('nvidia,tegra186-bpmp-i2c'))
    .set('#address-cells', cells(1))
    .set('#size-cells', cells(0))
    .set('nvidia,bpmp-bus-id', cells(CHIPS_BUS));
  setLabel(tree, 'bpmp_i2c', i2c);
  const thermal = bpmp
    .ensure('thermal')
    .set('compatible', strings('nvidia,tegra186-bpmp-thermal'))
    .set('#thermal-sensor-cells', cells(1));
  setLabel(tree, 'bpmp_thermal', thermal);
}

/**
 * Says of what hangs on the BPMP whether the guest has it. A node that is disabled is there for overlays to refer to, and
 * for the guest's drivers it is not.
 */
export function setAvailable({ root }: Tree, { i2cBuses, thermal, observed }: GuestView): void {
  const set = (name: string, isGranted: boolean) =>
    root
      .child('bpmp')
      ?.child(name)
      ?.set('status', strings(observed || isGranted ? 'okay' : 'disabled'));
  set('i2c', i2cBuses.includes(CHIPS_BUS));
  set('thermal', thermal);
}

function addHsp(tree: Tree): TreeNode {
  const node = addDevice(tree.root, 'hsp', IVC_DEVICES.hsp.address, HSP_SIZE)
    .set('compatible', strings('nvidia,tegra234-hsp', 'nvidia,tegra186-hsp'))
    .set('interrupt-parent', cells(ensurePhandle(tree, gicOf(tree.root))))
    .set('interrupts', cells(GIC_SPI, IVC_SPI, LEVEL_HIGH))
    .set('interrupt-names', strings('doorbell'))
    .set('#mbox-cells', cells(2));
  setLabel(tree, 'hsp', node);
  return node;
}

/** Where Linux's HSP driver finds out that the chip is none of simulation's; without it the kernel's log has a trace. */
function addMisc({ root }: Tree): void {
  const { offset, pageSize } = IVC_MISC;
  const start = IVC_DEVICES.hsp.address + BigInt(offset);
  const pages = [start, start + BigInt(pageSize)].map((page) => regOf(root, page, BigInt(pageSize)));
  root
    .ensure(`misc@${start.toString(16)}`)
    .set('compatible', strings('nvidia,tegra234-misc'))
    .set('reg', Buffer.concat(pages));
}

function addSram(tree: Tree): { tx: TreeNode; rx: TreeNode } {
  const { address, barSize } = IVC_DEVICES.sram;
  const sram = addDevice(tree.root, 'sram', address, BigInt(barSize))
    .set('compatible', strings('mmio-sram'))
    // Mapped as device memory: where accesses are trapped, each must be one that says what it does.
    .set('no-memory-wc', EMPTY)
    .set('#address-cells', cells(1))
    .set('#size-cells', cells(1))
    .set('ranges', cells(0, address, barSize));
  setLabel(tree, 'sram', sram);
  const pool = (name: string, offset: number) => {
    const node = sram
      .ensure(`sram@${offset.toString(16)}`)
      .set('reg', cells(offset, PAGE))
      .set('label', strings(name))
      .set('pool', EMPTY);
    setLabel(tree, name.replaceAll('-', '_'), node);
    return node;
  };
  return { tx: pool('cpu-bpmp-tx', 0), rx: pool('cpu-bpmp-rx', PAGE) };
}
