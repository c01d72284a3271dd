import type { Check } from '../../../host/checks/index.js';
import type { Given } from '../given.js';
import { ask } from './ask-qemu.js';

/** Whether this QEMU has the bus and the RAM where the plan counts on them. */
export const layout: Check<Given> = {
  id: 'qemu.layout',
  run: ask(async ({ config, qemu, hostTree, sysroot }) => {
    if (config.platformDevices.length === 0) return [];
    const { makePlan } = await import('../../../vm/plan/index.js');
    const { bus } = await makePlan(
      { ...config, policy: undefined },
      { sysroot, hostTree, askQemu: (program, name) => qemu.device(program, name) },
    );
    if (!bus) return [];
    const regions = await qemu.regions(config);
    const evidence = `${config.qemu.binary} -machine ${config.machine}: info mtree`;
    const found = regions.find(({ name }) => name === 'platform bus');
    const ram = regions.find(({ name }) => name === 'mach-virt.ram');
    const wrong = [
      ...(found && (found.address !== bus.base || found.size !== bus.size)
        ? [`its platform bus is at ${hex(found.address)}, ${hex(found.size)} long`]
        : []),
      ...(ram && ram.address !== bus.ramBase ? [`its RAM is at ${hex(ram.address)}`] : []),
    ];
    if (!found || !ram)
      return [
        { status: 'warn', what: 'where this QEMU has its platform bus and RAM is not known', evidence },
      ];
    if (wrong.length === 0)
      return [
        {
          status: 'ok',
          what: `its platform bus and RAM are where the plan (${bus.kind}) has them`,
          evidence,
        },
      ];
    return [
      {
        status: 'fail',
        what: `this QEMU is not laid out as the plan (${bus.kind}) has it: ${wrong.join(', ')}`,
        evidence: `${evidence}; the plan: bus at ${hex(bus.base)}, ${hex(bus.size)} long, RAM at ${hex(bus.ramBase)}: ${bus.because}`,
        fix: `use the QEMU that the VM file is for, or say where this one has them: platformBus: { base: ${hex(found.address)}, size: ${hex(found.size)}, ramBase: ${hex(ram.address)} }`,
      },
    ];
  }),
};

/** Whether a QEMU that is to have the BPMP's window by itself has it, and where the VM file says. */
export const window: Check<Given> = {
  id: 'qemu.window',
  run: ask(async ({ config, qemu }) => {
    const { bridge } = config;
    if (bridge.kind !== 'interposed') return [];
    const regions = await qemu.regions(config);
    const own = regions.find(({ name }) => /bpmp/i.test(name));
    const evidence = `${config.qemu.binary} -machine ${config.machine}: info mtree`;
    const { guestAddress } = bridge;
    if (guestAddress === undefined)
      return [
        own
          ? {
              status: 'ok',
              what: `its window is at ${hex(own.address)}`,
              evidence: `${evidence}: ${own.name}`,
            }
          : {
              status: 'warn',
              what: 'where this QEMU has the window is not known',
              evidence: `${evidence}: no region of that name`,
              fix: "set bridge.guestAddress in the VM file to virtual-pa of the guest's /bpmp node",
            },
      ];
    // Containers reach over everything; what is meant is a region of the window's own kind of size.
    const there = regions.findLast(
      ({ address, size }) => address <= guestAddress && guestAddress < address + size && size <= LARGEST,
    );
    if (there && (own === undefined || there.address === own.address))
      return [
        {
          status: 'ok',
          what: `it has something at ${hex(guestAddress)}, where the window is to be`,
          evidence: `${evidence}: ${there.name}, ${hex(there.address)}, ${hex(there.size)} long`,
        },
      ];
    if (own)
      return [
        {
          status: 'fail',
          what: `this QEMU has the window at ${hex(own.address)}, and bridge.guestAddress is ${hex(guestAddress)}`,
          evidence: `${evidence}: ${own.name}`,
          fix: `set bridge.guestAddress to ${hex(own.address)}, and virtual-pa in the guest's tree`,
        },
      ];
    return [
      {
        status: 'fail',
        what: `this QEMU has nothing at ${hex(guestAddress)}: it is not one that has the BPMP's window`,
        evidence: `${evidence}: no region there`,
        fix: 'set qemu.binary to the QEMU with the BPMP guest patch, or bridge: { kind: vfio-user } with one of 10.1 or newer',
      },
    ];
  }),
};

/** A page or a few; the platform bus and RAM are larger. */
const LARGEST = 0x10_0000n;

function hex(value: bigint): string {
  return `0x${value.toString(16)}`;
}
