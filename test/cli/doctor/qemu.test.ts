import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { examine } from '../../../src/cli/doctor/examine.js';
import { gather } from '../../../src/cli/doctor/given.js';
import { rows } from '../../../src/cli/doctor/table.js';
import { ask, folder, removeFolder, vmFile } from './ask.js';
import { fakeQemu, orinQemu, removeFakes } from './fake-qemu.js';

afterAll(() => {
  removeFakes();
  removeFolder();
});

const like = (pattern: RegExp) => expect.stringMatching(pattern);
const vm = (binary: string, more = '', machine = 'virt') =>
  `name: vm\nmachine: ${machine}\nmemory: 1G\nqemu: { binary: ${binary} }\n${more}`;
const carveOut =
  'platformDevices: [{ host: 80000000.vm_cma_p, mmioBase: 0x80000000, regions: [1M], interrupts: 0 }]\n';
const interposed = (address?: string) =>
  `bridge: { kind: interposed${address ? `, guestAddress: ${address}` : ''} }\npolicy: p.yaml\n`;

describe('qemu.binary', () => {
  it('says which one it is', async () => {
    expect(await ask('qemu.binary', vm(fakeQemu()))).toMatchObject([
      { status: 'ok', what: 'QEMU 9.2.0 (patched)' },
    ]);
  });

  it('fails where there is none, and nobody asks it more', async () => {
    const text = vm('/nowhere/qemu', carveOut);
    expect(await ask('qemu.binary', text)).toMatchObject([
      { status: 'fail', what: like(/no QEMU: \/nowhere\/qemu/) },
    ]);
    for (const id of ['qemu.machine', 'qemu.accel', 'qemu.vfio-platform', 'qemu.mmio-base', 'qemu.layout'])
      expect(await ask(id, text)).toEqual([]);
  });

  it('is a finding too where it does not answer', async () => {
    const given = await gather({ sysroot: folder, file: vmFile(vm(fakeQemu({ isSilent: true }))) });
    const row = rows.find(({ ids }) => ids.includes('qemu.binary'))!;
    expect(await examine([row], given, 300)).toMatchObject([
      { id: 'qemu.binary', status: 'warn', what: 'this could not be checked in time' },
    ]);
  });
});

describe('qemu.machine', () => {
  it('is there, whatever its options', async () => {
    const binary = fakeQemu({ machines: ['virt', 'none'] });
    expect(await ask('qemu.machine', vm(binary, '', 'type=virt,gic-version=3'))).toMatchObject([
      { status: 'ok' },
    ]);
  });

  it('fails with the nearest', async () => {
    const text = vm(fakeQemu({ machines: ['pc', 'virt'] }), '', 'vrit');
    expect(await ask('qemu.machine', text)).toMatchObject([
      { status: 'fail', what: 'it has no machine vrit: did you mean virt?' },
    ]);
  });
});

describe('qemu.accel', () => {
  it.each([
    ['virt,accel=kvm', ['kvm', 'tcg'], 'ok'],
    ['virt,accel=kvm', ['tcg'], 'fail'],
    ['virt,accel=kvm:tcg', ['tcg'], 'ok'],
    ['virt', ['tcg'], 'ok'],
  ])('of %s with %j is %s', async (machine, accelerators, status) => {
    expect(await ask('qemu.accel', vm(fakeQemu({ accelerators }), '', machine))).toMatchObject([{ status }]);
  });

  it("counts cpu: host and arguments of one's own", async () => {
    const binary = fakeQemu({ accelerators: ['tcg'] });
    for (const more of [
      'cpu: host\n',
      'extraArguments: ["-enable-kvm"]\n',
      'extraArguments: ["-accel", "kvm"]\n',
    ])
      expect(await ask('qemu.accel', vm(binary, more))).toMatchObject([{ status: 'fail' }]);
  });
});

describe.each([
  ['qemu.vfio-user', 'vfio-user-pci', 'bridge: { kind: ivc }\npolicy: p.yaml\n'],
  ['qemu.vfio-platform', 'vfio-platform', carveOut],
  ['qemu.vfio-pci', 'vfio-pci', 'pciDevices: [{ host: "0000:01:00.0" }]\n'],
])('%s', (id, device, more) => {
  it('is well with it, fails without, and is nothing to others', async () => {
    expect(await ask(id, vm(fakeQemu({ devices: { [device]: ['host'] } }), more))).toMatchObject([
      { status: 'ok' },
    ]);
    expect(await ask(id, vm(fakeQemu(), more))).toMatchObject([
      { status: 'fail', fix: like(/qemu\.binary/) },
    ]);
    expect(await ask(id, vm(fakeQemu()))).toEqual([]);
  });
});

describe('qemu.mmio-base', () => {
  it('is well in a patched QEMU, and fails in a stock one', async () => {
    expect(await ask('qemu.mmio-base', vm(fakeQemu(orinQemu), carveOut))).toMatchObject([{ status: 'ok' }]);
    const stock = fakeQemu({ devices: { 'vfio-platform': ['host'] } });
    expect(await ask('qemu.mmio-base', vm(stock, carveOut))).toMatchObject([{ status: 'fail' }]);
  });
});

describe('qemu.layout', () => {
  it('is well where the bus is as the plan has it', async () => {
    expect(await ask('qemu.layout', vm(fakeQemu(orinQemu), carveOut))).toMatchObject([
      { status: 'ok', what: like(/\(patched\)/) },
    ]);
  });

  it('fails where it is elsewhere, with what to say instead', async () => {
    const moved = fakeQemu({
      ...orinQemu,
      regions: [
        [0xc00_0000n, 0xdff_ffffn, 'platform bus'],
        [0x4000_0000n, 0x47ff_ffffn, 'mach-virt.ram'],
      ],
    });
    expect(await ask('qemu.layout', vm(moved, carveOut))).toMatchObject([
      {
        status: 'fail',
        what: like(/platform bus is at 0xc000000, 0x2000000 long, its RAM is at 0x40000000/),
        fix: like(/base: 0xc000000, size: 0x2000000, ramBase: 0x40000000/),
      },
    ]);
  });

  it('warns where it is not said, and is nothing without platform devices', async () => {
    const { regions: _, ...mute } = orinQemu;
    expect(await ask('qemu.layout', vm(fakeQemu(mute), carveOut))).toMatchObject([{ status: 'warn' }]);
    expect(await ask('qemu.layout', vm(fakeQemu(orinQemu)))).toEqual([]);
  });
});

describe('qemu.window', () => {
  const at = (address: string, regions = orinQemu.regions!) =>
    ask('qemu.window', vm(fakeQemu({ ...orinQemu, regions }), interposed(address)));

  it('is well where QEMU has it', async () => {
    expect(await at('0x090c0000')).toMatchObject([{ status: 'ok', evidence: like(/nvidia\.bpmp_guest/) }]);
    expect(await ask('qemu.window', vm(fakeQemu(orinQemu), interposed()))).toMatchObject([
      { status: 'ok', what: 'its window is at 0x90c0000' },
    ]);
  });

  it('fails where QEMU has it elsewhere', async () => {
    expect(await at('0x090d0000')).toMatchObject([
      { status: 'fail', what: like(/window at 0x90c0000/), fix: like(/guestAddress to 0x90c0000/) },
    ]);
  });

  it('fails where QEMU has nothing there, however large the regions around it', async () => {
    expect(await at('0x090c0000', orinQemu.regions!.slice(1))).toMatchObject([
      { status: 'fail', what: like(/nothing at 0x90c0000/) },
    ]);
  });

  it('warns where nobody says an address', async () => {
    const text = vm(fakeQemu({ ...orinQemu, regions: orinQemu.regions!.slice(1) }), interposed());
    expect(await ask('qemu.window', text)).toMatchObject([{ status: 'warn' }]);
  });
});

it('asks a QEMU each thing once', async () => {
  const binary = fakeQemu(orinQemu);
  const given = await gather({
    sysroot: folder,
    file: vmFile(vm(binary, `${carveOut}${interposed('0x90c0000')}`)),
  });
  await examine(rows, given);
  const asked = readFileSync(`${binary}.asked`, 'utf8').trim().split('\n');
  expect(asked.length).toBeGreaterThan(4);
  expect(asked).toEqual([...new Set(asked)]);
});

describe('qemu.account', () => {
  it('fails where there is no such account', async () => {
    const text = `name: vm\nmachine: virt\nqemu: { binary: ${fakeQemu()}, user: no-such-account }\n`;
    expect(await ask('qemu.account', text)).toMatchObject([
      { status: 'fail', what: like(/no-such-account/), fix: like(/useradd/) },
    ]);
  });

  it.runIf(process.getuid!() === 0)('warns of a QEMU that would be root with devices', async () => {
    expect(await ask('qemu.account', vm(fakeQemu(), carveOut))).toMatchObject([
      { status: 'warn', fix: like(/user: gpuvm/) },
    ]);
  });

  it('is well without devices', async () => {
    expect(await ask('qemu.account', vm(fakeQemu()))).toMatchObject([{ status: 'ok' }]);
  });
});
