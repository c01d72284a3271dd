import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseVmFile } from '../../../src/config/index.js';
import { vmArguments } from '../../../src/qemu/index.js';

const least = 'name: kite\nmachine: virt\n';
const leastArguments = '-nodefaults -no-user-config -display none -machine virt -smp 1';

function parse(text: string) {
  return parseVmFile(text, { file: '/vms/kite.yaml' });
}

/** What a few lines of the VM file add to the arguments. */
function added(lines: string): string {
  const all = vmArguments(parse(least + lines)).join(' ');
  expect(all.slice(0, leastArguments.length)).toBe(leastArguments);
  return all.slice(leastArguments.length + 1);
}

describe('the reference VM', () => {
  const file = resolve(import.meta.dirname, '../../../examples/orin-gpu-vm.yaml');
  const config = parseVmFile(readFileSync(file, 'utf8'), { file });

  it('is launched by the arguments that people type', () => {
    expect(vmArguments(config)).toEqual([
      '-nographic',
      ...['-machine', 'virt,accel=kvm'],
      ...['-cpu', 'host'],
      ...['-smp', '4'],
      ...['-m', '4G'],
      '-no-reboot',
      ...['-kernel', './Image'],
      ...['-drive', 'file=rootfs_ubuntu_44gb.img.raw,if=virtio,format=raw'],
      ...['-dtb', 'tegra234-p3768-0000+p3767-0000-nv_vm.dtb'],
      ...['-device', 'vfio-platform,host=60000000.vm_hs_p,mmio-base=0x60000000'],
      ...['-device', 'vfio-platform,host=80000000.vm_cma_p,mmio-base=0x80000000'],
      ...['-device', 'vfio-platform,host=100000000.vm_cma_vram_p,mmio-base=0x100000000'],
      ...['-device', 'vfio-platform,host=17000000.gpu'],
      ...['-device', 'vfio-platform,host=13e00000.host1x_pt'],
      ...['-device', 'vfio-platform,host=15340000.vic'],
      ...['-device', 'vfio-platform,host=15480000.nvdec'],
      ...['-device', 'vfio-platform,host=15540000.nvjpg'],
      ...['-device', 'vfio-platform,host=d800000.dce'],
      ...['-device', 'vfio-platform,host=13800000.display'],
      ...[
        '-append',
        'rootwait root=/dev/vda console=ttyAMA0 loglevel=7 debug clk_ignore_unused pd_ignore_unused',
      ],
    ]);
  });

  it('has absolute paths where QEMU is started elsewhere', () => {
    const args = vmArguments(config, { paths: 'absolute' });
    expect(args).toContain(join(file, '../Image'));
    expect(args).toContain(`file=${join(file, '../rootfs_ubuntu_44gb.img.raw')},if=virtio,format=raw`);
  });
});

describe('vmArguments', () => {
  it('says nothing for what the file does not', () => {
    expect(vmArguments(parse(least)).join(' ')).toBe(leastArguments);
  });

  it.each([
    ['memory: 4096M', '-m 4G'],
    ['memory: 1025K', '-m 1025K'],
    ['memory: 2048G', '-m 2T'],
    ['memory: 1536M', '-m 1536M'],
    ['reboot: exit', '-no-reboot'],
    ['kernel: Image\ninitrd: ../initrd\nappend: a b', '-kernel Image -initrd ../initrd -append a b'],
    ['kernel: /boot/Image', '-kernel /boot/Image'],
    ['dtb: "a:b.dtb"', '-dtb ./a:b.dtb'],
    ['firmware: QEMU_EFI.fd', '-bios QEMU_EFI.fd'],
    [
      'firmware: { code: CODE.fd, vars: VARS.fd }',
      '-drive if=pflash,unit=0,format=raw,readonly=on,file=CODE.fd -drive if=pflash,unit=1,format=raw,file=VARS.fd',
    ],
    ['extraArguments: [-s, -d, "int,guest_errors"]', '-s -d int,guest_errors'],
  ])('%j', (lines, expected) => {
    expect(added(lines)).toBe(expected);
  });

  it.each([
    ['file: a.img', '-drive file=a.img,if=virtio,format=raw'],
    [
      'file: a.img, format: qcow2, readonly: true, cache: none, aio: io_uring, discard: unmap',
      '-drive file=a.img,if=virtio,format=qcow2,readonly=on,cache=none,aio=io_uring,discard=unmap',
    ],
    [
      'file: a.img, serial: root, bootIndex: 0',
      '-drive file=a.img,if=none,id=disk0,format=raw -device virtio-blk-pci,drive=disk0,serial=root,bootindex=0',
    ],
    [
      'file: a.img, interface: virtio-mmio',
      '-drive file=a.img,if=none,id=disk0,format=raw -device virtio-blk-device,drive=disk0',
    ],
    [
      'file: a.img, interface: nvme',
      '-drive file=a.img,if=none,id=disk0,format=raw -device nvme,drive=disk0,serial=disk0',
    ],
    [
      'file: a.img, interface: usb',
      '-device qemu-xhci,id=usb -drive file=a.img,if=none,id=disk0,format=raw -device usb-storage,bus=usb.0,drive=disk0',
    ],
    [
      'file: a.img, interface: scsi',
      '-device virtio-scsi-pci,id=scsi -drive file=a.img,if=none,id=disk0,format=raw -device scsi-hd,bus=scsi.0,drive=disk0',
    ],
  ])('a disk { %s }', (disk, expected) => {
    expect(added(`disks: [{ ${disk} }]`)).toBe(expected);
  });

  it('gives the guest MMIO devices where the bridge keeps the PCI bus from it', () => {
    const lines = `bridge: { kind: ivc }
policy: p
guestAgent: true
disks: [{ file: a.img }, { file: b.img, interface: scsi }]
nets: [{ kind: tap, ifname: tap0, queues: 2 }]`;
    expect(added(lines)).toBe(
      '-device virtio-scsi-device,id=scsi -drive file=a.img,if=none,id=disk0,format=raw -device virtio-blk-device,drive=disk0 -drive file=b.img,if=none,id=disk1,format=raw -device scsi-hd,bus=scsi.0,drive=disk1 -netdev tap,id=net0,ifname=tap0,script=no,downscript=no,queues=2 -device virtio-net-device,netdev=net0,mq=on -device virtio-serial-device,id=guest-agent-bus -device virtserialport,bus=guest-agent-bus.0,chardev=guest-agent,name=org.qemu.guest_agent.0',
    );
  });

  it.each([
    ['kind: none', '-nic none'],
    ['kind: user', '-netdev user,id=net0 -device virtio-net-pci,netdev=net0'],
    [
      'kind: user, restrict: true, forwards: ["tcp::2222-:22", "udp:127.0.0.1:53-10.0.2.15:53"], mac: "52:54:00:12:34:5A"',
      '-netdev user,id=net0,restrict=on,hostfwd=tcp::2222-:22,hostfwd=udp:127.0.0.1:53-10.0.2.15:53 -device virtio-net-pci,netdev=net0,mac=52:54:00:12:34:5a',
    ],
    [
      'kind: tap, ifname: vm0, vhost: true, queues: 4',
      '-netdev tap,id=net0,ifname=vm0,script=no,downscript=no,queues=4,vhost=on -device virtio-net-pci,netdev=net0,mq=on,vectors=10',
    ],
    ['kind: bridge, bridge: br1, model: e1000e', '-netdev bridge,id=net0,br=br1 -device e1000e,netdev=net0'],
    [
      'kind: bridge, helper: /usr/lib/qemu/qemu-bridge-helper',
      '-netdev bridge,id=net0,br=br0,helper=/usr/lib/qemu/qemu-bridge-helper -device virtio-net-pci,netdev=net0',
    ],
  ])('a net { %s }', (net, expected) => {
    expect(added(`nets: [{ ${net} }]`)).toBe(expected);
  });

  it.each([
    ['kind: console', '-serial chardev:console'],
    ['kind: file, path: log.txt', '-chardev file,id=serial0,path=log.txt -serial chardev:serial0'],
    [
      'kind: unix, path: "/run/s,ock"',
      '-chardev socket,id=serial0,path=/run/s,,ock,server=on,wait=off -serial chardev:serial0',
    ],
    ['kind: pty', '-chardev pty,id=serial0 -serial chardev:serial0'],
    ['kind: "null"', '-chardev null,id=serial0 -serial chardev:serial0'],
    ['kind: device, path: /dev/ttyS1', '-chardev serial,id=serial0,path=/dev/ttyS1 -serial chardev:serial0'],
  ])('a serial port { %s }', (port, expected) => {
    expect(added(`serial: [{ ${port} }]`)).toBe(expected);
  });

  it('a USB device by what it is and by where it is', () => {
    expect(added('usb: [{ vendorId: 0x955, productId: "0x7020" }, { hostBus: 1, hostPort: "1.4" }]')).toBe(
      '-device qemu-xhci,id=usb -device usb-host,bus=usb.0,vendorid=0x0955,productid=0x7020 -device usb-host,bus=usb.0,hostbus=1,hostport=1.4',
    );
    expect(added('usb: [{ hostBus: 1, hostAddress: 7 }]')).toBe(
      '-device qemu-xhci,id=usb -device usb-host,bus=usb.0,hostbus=1,hostaddr=7',
    );
  });

  it.each([
    ['kind: ram', 'memory-backend-ram,id=ram,size=2G,share=off,prealloc=off', ''],
    ['kind: memfd', 'memory-backend-memfd,id=ram,size=2G,share=on,prealloc=off', ''],
    [
      'kind: memfd, share: false, lock: true',
      'memory-backend-memfd,id=ram,size=2G,share=off,prealloc=off',
      ' -overcommit mem-lock=on',
    ],
    [
      'kind: file, path: "/dev/shm/a,b"',
      'memory-backend-file,id=ram,size=2G,share=on,prealloc=off,mem-path=/dev/shm/a,,b',
      '',
    ],
    ['kind: hugepages', 'memory-backend-memfd,id=ram,size=2G,share=on,prealloc=on,hugetlb=on', ''],
    [
      'kind: hugepages, hugepageSize: 1024M',
      'memory-backend-memfd,id=ram,size=2G,share=on,prealloc=on,hugetlb=on,hugetlbsize=1G',
      '',
    ],
    [
      'kind: hugepages, path: /dev/hugepages, preallocate: false',
      'memory-backend-file,id=ram,size=2G,share=on,prealloc=off,mem-path=/dev/hugepages',
      '',
    ],
  ])('memory of { %s }', (backend, object, more) => {
    expect(vmArguments(parse(`${least}memory: 2G\nmemoryBackend: { ${backend} }`)).join(' ')).toBe(
      `${leastArguments.replace('virt', 'virt,memory-backend=ram')} -m 2G -object ${object}${more}`,
    );
  });

  it('devices of the host, in the order of the file', () => {
    const lines = `platformDevices:
  - { host: 15340000.vic, options: { x-no-mmap: true } }
  - { host: "17000000.gpu", mmioBase: 0x20000000 }
pciDevices: [{ host: "01:00.0" }, { host: 0001:0A:1f.7, options: { x-vga: false, romfile: "a,b" } }]`;
    expect(added(lines)).toBe(
      '-device vfio-platform,host=15340000.vic,x-no-mmap=on -device vfio-platform,host=17000000.gpu,mmio-base=0x20000000 -device vfio-pci,host=0000:01:00.0 -device vfio-pci,host=0001:0a:1f.7,x-vga=off,romfile=a,,b',
    );
  });

  it('a watchdog, and what a panic does', () => {
    expect(added('watchdog: {}\nonPanic: pause')).toBe(
      '-device i6300esb -action watchdog=reset -device pvpanic-pci -action panic=pause',
    );
    expect(added('watchdog: { device: ib700, action: poweroff }')).toBe(
      '-device ib700 -action watchdog=poweroff',
    );
  });

  it('the display and the defaults', () => {
    expect(vmArguments(parse('name: k\nmachine: none\ndisplay: nographic')).join(' ')).toBe(
      '-nodefaults -no-user-config -nographic -machine none -smp 1',
    );
    expect(vmArguments(parse('name: k\nmachine: none\ndefaults: true')).join(' ')).toBe(
      '-display none -machine none -smp 1',
    );
  });

  it('lets no value become an option', () => {
    const text = fc.string({ minLength: 1 }).filter((name) => !/[\0$~]/.test(name));
    fc.assert(
      fc.property(text, text, (file, value) => {
        const lines = `disks: [{ file: ${JSON.stringify(`/d/${file}`)} }]
platformDevices: [{ host: a, options: { x-a: ${JSON.stringify(value)} } }]`;
        const args = vmArguments(parse(least + lines), { paths: 'absolute' });
        expect(partsOf(args[args.indexOf('-drive') + 1]!)).toHaveLength(3);
        expect(partsOf(args[args.indexOf('-device') + 1]!)).toEqual([
          'vfio-platform',
          'host=a',
          `x-a=${value}`,
        ]);
      }),
    );
    expect(added('disks: [{ file: "x,readonly=on" }]')).toBe(
      '-drive file=x,,readonly=on,if=virtio,format=raw',
    );
  });
});

/** The options of a QEMU argument, as QEMU takes them apart. */
function partsOf(argument: string): string[] {
  const parts = [''];
  for (let at = 0; at < argument.length; at++) {
    if (argument[at] !== ',') parts[parts.length - 1] += argument[at];
    else if (argument[at + 1] === ',') parts[parts.length - 1] += argument[at++];
    else parts.push('');
  }
  return parts;
}
