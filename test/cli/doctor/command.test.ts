import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { run } from '../../../src/cli/doctor/command.js';
import { cells, emptyTree, strings, writeTree } from '../../../src/devicetree/index.js';
import type { Finding } from '../../../src/finding.js';
import { addProcess, buildFakeHost, type FakeDevice } from '../../vfio/fake-host.js';
import { orinBlob, cleanUp as removePlan } from '../../vm/plan/host.js';
import { world } from '../world.js';
import { type FakeQemu, fakeQemu, orinQemu, removeFakes } from './fake-qemu.js';

const roots: string[] = [];
afterAll(() => {
  for (const root of roots) rmSync(root, { recursive: true, force: true });
  removeFakes();
  removePlan();
});

const policy = fileURLToPath(new URL('../../../examples/policies/gpu.yaml', import.meta.url));
const RELEASE = '5.15.148-tegra';
const options =
  'ARM64 VFIO VFIO_PLATFORM VFIO_PCI VFIO_IOMMU_TYPE1 ARM_SMMU KVM SECCOMP_FILTER MEMFD_CREATE TEGRA_BPMP_HOST_PROXY';

const devices: readonly FakeDevice[] = [
  { bus: 'platform', name: '80000000.vm_cma_p', group: '11' },
  { bus: 'platform', name: '17000000.gpu', group: '13' },
  { bus: 'platform', name: '15340000.vic', group: '15' },
];

/** A Jetson that was prepared as it should be, with a VM file that fits it. */
interface Jetson {
  readonly root: string;
  readonly vmFile: string;
  readonly hostTree: string;
  write(path: string, content: string | Uint8Array, mode?: number): void;
  remove(path: string): void;
  rewriteVm(change: (text: string) => string): void;
}

function jetson(qemu: FakeQemu = orinQemu): Jetson {
  const root = buildFakeHost({ devices });
  roots.push(root);
  const write = (path: string, content: string | Uint8Array, mode?: number) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
    if (mode !== undefined) chmodSync(join(root, path), mode);
  };
  write('proc/sys/kernel/osrelease', `${RELEASE}\n`);
  write(
    'proc/config.gz',
    gzipSync(
      options
        .split(' ')
        .map((name) => `CONFIG_${name}=${name.startsWith('VFIO') ? 'm' : 'y'}\n`)
        .join(''),
    ),
  );
  write('proc/cmdline', 'root=/dev/mmcblk0p1 rw rootwait\n');
  write('proc/meminfo', 'MemTotal: 32000000 kB\nMemAvailable: 24000000 kB\n');
  write('proc/self/limits', 'Max locked memory         unlimited            unlimited            bytes\n');
  write('proc/sys/kernel/seccomp/actions_avail', 'kill_process trap errno user_notif allow\n');
  write('proc/device-tree/compatible', 'nvidia,p3737-0000+p3701-0005\0nvidia,tegra234\0');
  write('sys/devices/system/cpu/online', '0-11\n');
  write('sys/module/vfio_iommu_type1/parameters/x', '');
  write('dev/kvm', '', 0o666);
  write('dev/bpmp-host', '', 0o600);
  mkdirSync(join(root, 'run'));
  write('vm/Image', 'kernel');
  write('vm/guest.dtb', guestTree());
  write(
    'vm/orin.yaml',
    `name: orin
qemu: { binary: ${fakeQemu(qemu)} }
machine: virt,accel=kvm
cpu: host
smp: 4
memory: 4G
kernel: Image
dtb: guest.dtb
append: console=ttyAMA0 clk_ignore_unused pd_ignore_unused
platformDevices:
  - { host: 80000000.vm_cma_p, mmioBase: 0x80000000, interrupts: 0 }
  - { host: 17000000.gpu }
  - { host: 15340000.vic }
bridge: { kind: interposed, guestAddress: 0x090c0000 }
backend: { kind: host-device }
policy: ${policy}
`,
  );
  const vmFile = join(root, 'vm/orin.yaml');
  return {
    root,
    vmFile,
    hostTree: orinBlob(),
    write,
    remove: (path) => rmSync(join(root, path), { recursive: true }),
    rewriteVm: (change) => writeFileSync(vmFile, change(readFileSync(vmFile, 'utf8'))),
  };
}

/** What follows from the plan: the GPU's two regions at the bus's beginning, the engine behind them, SPIs from 112 on. */
function guestTree(cpus = 4): Uint8Array {
  const tree = emptyTree();
  const two = (node: typeof tree.root) => node.set('#address-cells', cells(2)).set('#size-cells', cells(2));
  const root = two(tree.root);
  root
    .add('memory@2000000000')
    .set('device_type', strings('memory'))
    .set('reg', cells(0x20_0000_0000n, 4n << 30n));
  const nodes = root.add('cpus');
  for (let cpu = 0; cpu < cpus; cpu++) nodes.add(`cpu@${cpu}`).set('device_type', strings('cpu'));
  root.add('bpmp').set('virtual-pa', cells(0, 0x90c_0000));
  const bus = two(root.add('platform-bus@60000000')).set(
    'ranges',
    cells(0x1700_0000n, 0x6000_0000n, 0x200_0000n, 0x1534_0000n, 0x6200_0000n, 0x4_0000n),
  );
  bus
    .add('gpu@17000000')
    .set('reg', cells(0x1700_0000n, 0x100_0000n, 0x1800_0000n, 0x100_0000n))
    .set('interrupts', cells(0, 112, 4, 0, 113, 4, 0, 114, 4));
  bus
    .add('vic@15340000')
    .set('reg', cells(0x1534_0000n, 0x4_0000n))
    .set('interrupts', cells(0, 115, 4));
  return writeTree(tree);
}

async function doctor(host: Jetson, file: string | undefined = host.vmFile, json = true) {
  const surroundings = world('', { json });
  const call = { args: file === '' ? [] : [file], options: { sysroot: host.root, hostTree: host.hostTree } };
  const status = await run(call, surroundings.context);
  const { stdout, stderr } = surroundings;
  expect(stderr).toEqual([]);
  const answer = json ? (JSON.parse(stdout.join('')) as { ok: boolean; findings: Finding[] }) : undefined;
  return { status, stdout, ok: answer?.ok, findings: answer?.findings ?? [] };
}

const notOk = (findings: readonly Finding[], status = 'fail') =>
  findings.filter((each) => each.status === status).map(({ id }) => id);

describe('gpuvm doctor FILE on a Jetson that is well prepared', () => {
  it('finds nothing that fails, and says what could be safer', async () => {
    const { status, ok, findings } = await doctor(jetson());
    expect(notOk(findings)).toEqual([]);
    expect({ status, ok }).toEqual({ status: 0, ok: true });
    const warned = notOk(findings, 'warn');
    expect(warned).toContain('dev.bpmp-host');
    for (const id of [
      'memory.free',
      'cpu.count',
      'dev.kvm',
      'vfio.memlock',
      'file.there',
      'qemu.layout',
      'qemu.window',
      'guest.devices/17000000.gpu',
      'guest.devices/15340000.vic',
      'guest.cpus',
      'guest.window',
      'plan.layout',
      'vfio.present/17000000.gpu',
    ])
      expect(findings.find((each) => each.id === id)?.status, id).toBe('ok');
  });

  it('has the promised keys in JSON, each fail with what mends it', async () => {
    const host = jetson();
    host.remove('dev/bpmp-host');
    const { status, ok, findings } = await doctor(host);
    expect({ status, ok }).toEqual({ status: 1, ok: false });
    for (const finding of findings) {
      expect(Object.keys(finding).slice(0, 4)).toEqual(['id', 'status', 'what', 'evidence']);
      expect(finding.what, finding.id).toMatch(/\S/);
      expect(finding.evidence, finding.id).toMatch(/\S/);
      if (finding.status === 'fail') expect(finding.fix, finding.id).toMatch(/\S/);
    }
    expect(findings.find(({ id }) => id === 'vfio.present/17000000.gpu')?.device).toBe('17000000.gpu');
    expect(findings[0]).not.toHaveProperty('device');
  });

  it('is text for people, with the counts at the end', async () => {
    const host = jetson();
    host.remove('dev/kvm');
    const { status, stdout } = await doctor(host, host.vmFile, false);
    expect(status).toBe(1);
    expect(stdout).toContain('Device nodes');
    const at = stdout.findIndex((line) => /^ {2}fail {2}dev\.kvm +there is no \/dev\/kvm/.test(line));
    expect(stdout[at + 2]).toMatch(/^ {8}→ modprobe kvm/);
    expect(stdout.at(-1)).toMatch(/^\d+ ok, \d+ warnings?, 1 failure$/);
  });
});

describe('gpuvm doctor FILE names what is amiss:', () => {
  const cases: readonly (readonly [what: string, breakIt: (host: Jetson) => void, id: string])[] = [
    ['an old kernel', (host) => host.write('proc/sys/kernel/osrelease', '5.10.104-tegra'), 'kernel.version'],
    [
      'a kernel without VFIO_PLATFORM',
      (host) => {
        host.write('proc/config.gz', gzipSync('CONFIG_ARM64=y\nCONFIG_KVM=y\n'));
        host.remove('sys/bus/platform/drivers/vfio-platform');
      },
      'kernel.option/CONFIG_VFIO_PLATFORM',
    ],
    [
      'no seccomp notifications',
      (host) => host.write('proc/sys/kernel/seccomp/actions_avail', 'kill allow'),
      'kernel.seccomp',
    ],
    [
      'an IOMMU that is switched off',
      (host) => host.write('proc/cmdline', 'iommu=off'),
      'kernel.parameters/iommu',
    ],
    [
      'a module that is missing',
      (host) => host.remove('sys/module/vfio_iommu_type1'),
      'module.wanted/vfio_iommu_type1',
    ],
    ['no /dev/kvm', (host) => host.remove('dev/kvm'), 'dev.kvm'],
    ['no BPMP device', (host) => host.remove('dev/bpmp-host'), 'dev.bpmp-host'],
    [
      'too little memory',
      (host) => host.write('proc/meminfo', 'MemTotal: 8000000 kB\nMemAvailable: 2000000 kB\n'),
      'memory.free',
    ],
    ['no IOMMU groups', (host) => host.remove('sys/kernel/iommu_groups'), 'vfio.iommu'],
    ['no /dev/vfio/vfio', (host) => host.remove('dev/vfio'), 'vfio.container'],
    [
      'a device that is missing',
      (host) => host.remove('sys/bus/platform/devices/17000000.gpu'),
      'vfio.present/17000000.gpu',
    ],
    [
      'a device that nothing resets',
      (host) => host.write('sys/module/vfio_platform/parameters/reset_required', 'Y\n'),
      'vfio.reset/17000000.gpu',
    ],
    [
      'a device that is in use',
      (host) => addProcess(host.root, 4_711, 'Xorg', ['/dev/vfio/13']),
      'vfio.holders/17000000.gpu',
    ],
    ['a kernel image that is missing', (host) => host.remove('vm/Image'), 'file.there/kernel'],
    [
      'a mistake in the VM file',
      (host) => host.rewriteVm((text) => text.replace('smp: 4', 'smpp: 4')),
      'file.vm/smpp',
    ],
    [
      'a policy that is missing',
      (host) => host.rewriteVm((text) => text.replace(policy, 'no.yaml')),
      'file.policy',
    ],
    [
      'a device too many at an address',
      (host) => host.rewriteVm((text) => text.replace('gpu }', 'gpu, mmioBase: 0x81000000 }')),
      'plan.bus/17000000.gpu',
    ],
    [
      'a carve-out that is not reserved',
      (host) =>
        host.rewriteVm((text) =>
          text.replace(
            '  - { host: 17',
            '  - { host: 100000000.vm_cma_vram_p, mmioBase: 0x100000000, interrupts: 0 }\n  - { host: 17',
          ),
        ),
      'plan.carve-out/100000000.vm_cma_vram_p',
    ],
    [
      'an account that is missing',
      (host) => host.rewriteVm((text) => text.replace('qemu: { ', 'qemu: { user: no-such-one, ')),
      'qemu.account',
    ],
    [
      'a window elsewhere',
      (host) => host.rewriteVm((text) => text.replace('0x090c0000', '0x090d0000')),
      'qemu.window',
    ],
    [
      'a guest that looks for the window elsewhere',
      (host) => host.rewriteVm((text) => text.replace('0x090c0000', '0x090d0000')),
      'guest.window',
    ],
    [
      'a guest that switches its clocks off',
      (host) => host.rewriteVm((text) => text.replace('clk_ignore_unused', '')),
      'guest.append',
    ],
    ['a tree with other CPUs', (host) => host.write('vm/guest.dtb', guestTree(2)), 'guest.cpus'],
    [
      'devices in another order',
      (host) =>
        host.rewriteVm((text) => text.replace(/( {2}- \{ host: 17.*\n)( {2}- \{ host: 15.*\n)/, '$2$1')),
      'guest.devices/15340000.vic',
    ],
  ];

  it.each(cases)('%s', async (_what, breakIt, id) => {
    const host = jetson();
    breakIt(host);
    const { status, findings } = await doctor(host);
    expect(notOk(findings)).toContain(id);
    expect(status).toBe(1);
  });

  it.each([
    ['no vfio-platform', { ...orinQemu, devices: {} }, 'qemu.vfio-platform'],
    ['no mmio-base', { ...orinQemu, devices: { 'vfio-platform': ['host'] } }, 'qemu.mmio-base'],
    ['no KVM', { ...orinQemu, accelerators: ['tcg'] }, 'qemu.accel'],
    ['another machine', { ...orinQemu, machines: ['pc'] }, 'qemu.machine'],
    ['no window', { ...orinQemu, regions: orinQemu.regions!.slice(1) }, 'qemu.window'],
  ] as const)('a QEMU with %s', async (_what, qemu, id) => {
    const { findings } = await doctor(jetson(qemu));
    expect(notOk(findings)).toContain(id);
  });
});

describe('gpuvm doctor without a file', () => {
  it('finds nothing that fails on an empty host', async () => {
    const host = jetson();
    for (const path of ['proc', 'sys', 'dev']) host.remove(path);
    const { status, findings } = await doctor(host, '');
    expect(notOk(findings)).toEqual([]);
    expect(notOk(findings, 'warn')).toEqual(
      expect.arrayContaining(['kernel.version', 'kernel.config', 'dev.kvm', 'vfio.iommu']),
    );
    expect(status).toBe(0);
  });

  it('says less on a Jetson that is well prepared, and nothing about files', async () => {
    const { findings } = await doctor(jetson(), '');
    expect(notOk(findings, 'warn').filter((id) => !/^(qemu|module\.wanted\/vfio_pci)/.test(id))).toEqual([]);
    expect(findings.some(({ id }) => /^(file|plan|guest)\./.test(id))).toBe(false);
  });
});
