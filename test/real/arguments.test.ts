import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cacheFolder, parseVmFile } from '../../src/config/index.js';
import { QemuProcess, qemuArguments } from '../../src/qemu/index.js';
import { QmpClient } from '../../src/qmp/index.js';
import { emptyQcow2 } from '../bpmp/bridge/interposed/harness/qcow2.js';
import { hasProgram } from './programs.js';

const folder = mkdtempSync(join(tmpdir(), 'gpuvm-arguments-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

beforeAll(() => {
  for (const name of ['a.img', 'b,c.img', 'flash0.fd', 'flash1.fd']) {
    writeFileSync(join(folder, name), Buffer.alloc(64 << 20));
  }
  writeFileSync(join(folder, 'q.qcow2'), emptyQcow2(64 << 20));
  writeFileSync(join(folder, 'kernel'), Buffer.alloc(4096));
});

interface Outcome {
  /** The guest waits to be started, and QEMU took everything. */
  readonly accepted: boolean;
  readonly stderr: string;
  /** QEMU's devices, by type and by the path of their slot. */
  readonly devices: string;
  readonly exit: number | null;
}

let starts = 0;

/** Starts a QEMU with what a VM file says, and ends it at once. */
async function start(binary: string, lines: string): Promise<Outcome> {
  const text = `name: kite\nqemu: { binary: ${binary} }\n${lines}`;
  const config = parseVmFile(text, { file: join(folder, 'vm.yaml') });
  const qmpPath = join(folder, `qmp${++starts}`);
  const qemu = await QemuProcess.start({
    command: binary,
    args: qemuArguments(config, { qmpPath, guestAgentPath: join(folder, 'agent') }),
  });
  const gone = new AbortController();
  void qemu.exited.then(() => gone.abort(new Error('QEMU is gone')));
  let accepted = false;
  let devices = '';
  try {
    const qmp = await QmpClient.connect({ path: qmpPath, deadlineMs: 20_000, signal: gone.signal });
    accepted = (await qmp.execute('query-status')).status === 'prelaunch';
    devices = String(await qmp.execute('human-monitor-command', { 'command-line': 'info qtree' }));
    await qmp.execute('quit');
  } catch {
    // What QEMU says on its way out is looked at.
  }
  const timer = setTimeout(() => qemu.signal('SIGKILL'), 30_000);
  const { code } = await qemu.exited;
  clearTimeout(timer);
  return { accepted, devices, exit: code, stderr: [...qemu.stderr.lines].join('\n') };
}

/** A build's optional parts that this machine may lack are told of on stderr, and are no refusal. */
function refusal({ accepted, exit, stderr }: Outcome): string | undefined {
  return accepted && exit === 0 ? undefined : stderr;
}

const everywhere: readonly (readonly [lines: string, device?: RegExp])[] = [
  ['reboot: exit\ndisplay: nographic\ndefaults: true\nnets: [{ kind: none }]'],
  ['display: nographic'],
  ['memory: 256M\nmemoryBackend: { kind: ram, share: true, preallocate: true }'],
  ['memory: 256M\nmemoryBackend: { kind: memfd }'],
  ['memory: 256M\nmemoryBackend: { kind: file, path: /dev/shm }'],
  ['memory: 256M\nmemoryBackend: { kind: file, path: "ram,share=off" }'],
  ['disks: [{ file: a.img }]', /dev: virtio-blk-pci/],
  ['disks: [{ file: "b,c.img", readonly: true, cache: none, aio: native, discard: unmap }]', /virtio-blk/],
  ['disks: [{ file: q.qcow2, format: qcow2, serial: root, bootIndex: 1 }]', /serial = "root"/],
  ['disks: [{ file: a.img, cache: directsync, aio: threads, interface: virtio-pci }]', /virtio-blk-pci/],
  ['disks: [{ file: a.img, interface: scsi }, { file: q.qcow2, format: qcow2, interface: scsi }]', /scsi-hd/],
  ['disks: [{ file: a.img, interface: nvme }]', /dev: nvme/],
  ['disks: [{ file: a.img, interface: usb }]', /dev: usb-storage/],
  [
    'nets: [{ kind: user, forwards: ["tcp:127.0.0.1:42022-:22", "udp:127.0.0.1:42053-10.0.2.15:53"], restrict: true, mac: "52:54:00:12:34:57" }]',
    /mac = "52:54:00:12:34:57"/,
  ],
  ['nets: [{ kind: user }, { kind: user, model: virtio-net-pci }]', /dev: virtio-net-pci/],
  ['serial: [{ kind: console }]'],
  ['serial: [{ kind: file, path: "s,1" }]'],
  ['serial: [{ kind: unix, path: s2 }]'],
  ['serial: [{ kind: pty }]'],
  ['serial: [{ kind: "null" }]'],
  ['serial: []'],
  ['guestAgent: true', /virtserialport[\s\S]*org\.qemu\.guest_agent\.0/],
  ['watchdog: {}', /dev: i6300esb/],
  ['watchdog: { action: pause }\nonPanic: shutdown', /dev: pvpanic-pci/],
  ['onPanic: exit-failure', /dev: pvpanic-pci/],
];

/** With the bridges that keep the PCI bus from the guest; the bridge itself is not started here. */
const mmio = `policy: p
bridge: { kind: ivc }
guestAgent: true
disks: [{ file: a.img }, { file: q.qcow2, format: qcow2, interface: scsi }]
nets: [{ kind: user }]`;

/** What needs something of the host's that may be missing: taken, or refused in the words for just that. */
const perhaps: readonly (readonly [lines: string, refusal: RegExp])[] = [
  [
    'memory: 256M\nmemoryBackend: { kind: hugepages, hugepageSize: 2M }',
    /unable to map backing store|Cannot allocate memory|insufficient|failed to (create|resize) memfd/i,
  ],
  [
    'memory: 64M\nmemoryBackend: { kind: memfd, lock: true }\nextraArguments: [-accel, "tcg,tb-size=8"]',
    /mlock|lock memory|locking memory failed/i,
  ],
  [
    'nets: [{ kind: tap, ifname: kite0, queues: 2, vhost: false }]',
    /could not (open|configure) \/dev\/net\/tun/,
  ],
  ['nets: [{ kind: bridge, bridge: kite-br }]', /bridge helper failed|failed to .*bridge/i],
  ['nets: [{ kind: bridge, bridge: kite-br, helper: /bin/false }]', /bridge helper failed/],
  // Debian has the ROM in a package of its own.
  ['nets: [{ kind: user, model: e1000e }]', /failed to find romfile "efi-e1000e.rom"/],
  [
    'usb: [{ vendorId: 0x0955, productId: 0x7020 }]',
    /failed to init(ialize)? libusb|usb-host.*not a valid device model/i,
  ],
  [
    'usb: [{ hostBus: 1, hostPort: "1.4" }]',
    /failed to init(ialize)? libusb|usb-host.*not a valid device model/i,
  ],
  [
    'pciDevices: [{ host: "00ff:01:00.0", options: { x-no-mmap: true } }]',
    /00ff:01:00\.0.*no such host device|No such file/i,
  ],
];

const qemus: readonly (readonly [binary: string, machine: string])[] = [
  ['qemu-system-aarch64', 'virt'],
  [join(cacheFolder(), 'qemu/bin/qemu-system-aarch64'), 'virt'],
  ['qemu-system-x86_64', 'q35'],
];

function isThere(binary: string): boolean {
  if (!binary.startsWith('/')) return hasProgram(binary);
  if (!existsSync(binary)) console.warn(`SKIPPED: needs ${binary}; scripts/setup fetches it`);
  return existsSync(binary);
}

for (const [binary, machine] of qemus) {
  describe.skipIf(!isThere(binary))(`${binary} takes`, () => {
    it.each(everywhere)('%s', async (lines, device = /bus: /) => {
      const outcome = await start(binary, `machine: ${machine}\n${lines}`);
      expect(refusal(outcome)).toBeUndefined();
      expect(outcome.devices).toMatch(device);
    });

    it.each(perhaps)('%s', async (lines, words) => {
      const outcome = await start(binary, `machine: ${machine}\n${lines}`);
      if (refusal(outcome) !== undefined) expect(outcome.stderr).toMatch(words);
    });

    it('several CPUs, written out', async () => {
      const smp = 'smp: 4,sockets=1,cores=2,threads=2';
      expect(refusal(await start(binary, `machine: ${machine}\n${smp}\nmemory: 1536M`))).toBeUndefined();
    });
  });
}

const arm = qemus.filter(([, machine]) => machine === 'virt').map(([binary]) => binary);

describe.each(arm)('on Arm, %s takes', (binary) => {
  it.skipIf(!isThere(binary))('devices on the MMIO bus', async () => {
    const outcome = await start(binary, `machine: virt\n${mmio}`);
    expect(refusal(outcome)).toBeUndefined();
    for (const kind of ['blk', 'scsi', 'net', 'serial'])
      expect(outcome.devices).toContain(`dev: virtio-${kind}-device`);
    expect(outcome.devices).not.toMatch(/virtio-\w+-pci/);
  });

  it.skipIf(!isThere(binary))('two flashes, and one image', async () => {
    const flashes = 'firmware: { code: flash0.fd, vars: flash1.fd }';
    expect(refusal(await start(binary, `machine: virt\n${flashes}`))).toBeUndefined();
    expect(refusal(await start(binary, 'machine: virt\nfirmware: flash0.fd'))).toBeUndefined();
  });

  it.skipIf(!isThere(binary))('a kernel with its command line', async () => {
    const kernel = 'kernel: kernel\ninitrd: a.img\nappend: "a,b c=d"\nmemory: 512M';
    expect(refusal(await start(binary, `machine: virt\n${kernel}`))).toBeUndefined();
  });
});

describe('on a PC, qemu-system-x86_64 takes', () => {
  it.skipIf(!isThere('qemu-system-x86_64'))('an IDE disk, and an ISA watchdog', async () => {
    const lines = 'disks: [{ file: a.img, interface: ide }]\nwatchdog: { device: ib700, action: none }';
    const outcome = await start('qemu-system-x86_64', `machine: pc\n${lines}`);
    expect(refusal(outcome)).toBeUndefined();
    expect(outcome.devices).toContain('dev: ib700');
  });
});

describe('the console', () => {
  it
    .skipIf(!isThere('qemu-system-x86_64'))
    .each([
      ['display: nographic\ndefaults: true\nnets: [{ kind: none }]'],
      ['display: nographic'],
      [
        'display: nographic\nserial: [{ kind: "null" }, { kind: console }]\nextraArguments: [-machine, graphics=off]',
      ],
    ])('is on the standard input and output: %s', async (lines) => {
    const text = `name: kite\nmachine: pc\n${lines}`;
    const config = parseVmFile(text, { file: join(folder, 'vm.yaml') });
    const qmpPath = join(folder, `qmp${++starts}`);
    const command = 'qemu-system-x86_64';
    const qemu = await QemuProcess.start({ command, args: qemuArguments(config, { qmpPath }) });
    let output = '';
    qemu.console.output.on('data', (chunk) => {
      output += chunk;
    });
    try {
      const qmp = await QmpClient.connect({ path: qmpPath, deadlineMs: 20_000 });
      const ports = String(await qmp.execute('human-monitor-command', { 'command-line': 'info chardev' }));
      // Exactly one thing reads what is typed, and it is no monitor.
      expect(ports).toMatch(/filename=stdio/);
      expect(ports).not.toMatch(/mux/);
      await qmp.execute('cont');
      // With -nographic the firmware writes to the first serial port.
      if (!lines.includes('serial'))
        await expect.poll(() => output, { timeout: 20_000 }).toContain('SeaBIOS');
      await qmp.execute('quit');
    } finally {
      qemu.signal('SIGKILL');
      await qemu.exited;
    }
  });
});

describe('vfio-platform, in the QEMU that has it', () => {
  it.skipIf(!isThere('qemu-system-aarch64'))('looks for the devices in order', async () => {
    const devices = 'platformDevices: [{ host: 17000000.gpu }, { host: 15340000.vic }]';
    const { accepted, stderr } = await start('qemu-system-aarch64', `machine: virt\n${devices}`);
    expect(accepted).toBe(false);
    expect(stderr).toContain('vfio-platform,host=17000000.gpu');
    expect(stderr).toMatch(/no such host device|No such file/);
  });

  it.skipIf(!isThere('qemu-system-aarch64'))('has mmio-base only where it is patched', async () => {
    const device = 'platformDevices: [{ host: a.b, mmioBase: 0x60000000 }]';
    const { stderr } = await start('qemu-system-aarch64', `machine: virt\n${device}`);
    expect(stderr).toMatch(/vfio-platform,host=a\.b,mmio-base=0x60000000: .*mmio-base.* not found/);
  });
});
