import { describe, expect, it } from 'vitest';
import { parseVmFile } from '../../src/config/index.js';
import { GpuvmError } from '../../src/errors.js';

const file = '/vms/kite.yaml';

/** What is said of a VM file with these lines after its name and its machine; each line begins with its place. */
function said(lines: string): string[] {
  const text = `name: kite\nmachine: virt\n${lines.replace('LONG', 'x'.repeat(120))}`;
  try {
    parseVmFile(text, { file, env: {} });
  } catch (error) {
    if (!GpuvmError.is(error, 'GPUVM_CONFIG')) throw error;
    const mistakes = error.details.mistakes as string[];
    // The error itself is its first line.
    expect(mistakes[0]).toBe(error.message.replace(/ \(and \d+ more\)$/, ''));
    expect(mistakes.join('')).not.toContain('\n');
    return mistakes.map((mistake) => mistake.replace(`${file}:`, ''));
  }
  return [];
}

/** The lines that begin at line 3, and what is wrong with them. */
const table: readonly (readonly [lines: string, ...mistakes: string[]])[] = [
  ['name: again', '3:1: name is there twice'],
  ['\tcpu: host', '3:1: a tab: YAML is indented with spaces'],
  [
    'name2: [1, 2',
    '3:13: not YAML: Flow sequence in block collection must be sufficiently indented and end with a ]',
  ],
  ['cpu: host: max', '3:6: text with ": " in it must be in quotation marks'],
  ['cpu: !secret host', '3:6: a tag that is not known'],
  ['--- \nname: other', '3:1: a second document begins: a VM file is one'],
  ['? [a]\n: b', '3:3: a key must be text'],
  ['cpu: *nobody', '3:6: *nobody names nothing: there is no such anchor before it'],
  [
    'control: { mode: 0660 }',
    '3:18: 0660 would be read as 660: leave the zero out, or put it in quotation marks',
  ],
  [
    'usb: [{ vendorId: 0955, productId: 0x7020 }]',
    '3:19: 0955 would be read as 955: leave the zero out, or put it in quotation marks',
  ],
  [
    'memory: [',
    '3:10: not YAML: Flow sequence in block collection must be sufficiently indented and end with a ]',
  ],
  ['memory:', '3:8: memory must be a size with its unit, such as 512M or 4G'],
  ['memory: -2G', '3:9: memory is "-2G", which is not a size with its unit, such as 512M or 4G'],
  ['memory: 0G', '3:9: memory is "0G", which is not a size with its unit, such as 512M or 4G'],
  ['memory: 2 G B', '3:9: memory is "2 G B", which is not a size with its unit, such as 512M or 4G'],
  [
    'memory: 99999999999999999G',
    '3:9: memory is "99999999999999999G", which is not a size with its unit, such as 512M or 4G',
  ],
  ['smp: four', '3:6: smp must be a number of CPUs from 1 to 512, or text for -smp'],
  ['smp: 1.5', '3:6: smp must be a number of CPUs from 1 to 512, or text for -smp'],
  ['smp: 513', '3:6: smp must be a number of CPUs from 1 to 512, or text for -smp'],
  ['smp: []', '3:6: smp must be a number of CPUs from 1 to 512, or text for -smp'],
  ['cpu: 3', '3:6: cpu must be text'],
  ['cpu: ""', '3:6: cpu must not be empty'],
  ['cpu: "a\\0b"', '3:6: cpu must not hold a NUL character'],
  ['display: gtk', '3:10: display is "gtk": it is one of none, nographic'],
  ['display: graphic', '3:10: display is "graphic": did you mean "nographic"? It is one of none, nographic'],
  ['defaults: yes', '3:11: defaults must be true or false'],
  ['defaults: 1', '3:11: defaults must be true or false'],
  ['reboot: stop', '3:9: reboot is "stop": it is one of reset, exit'],
  ['onPanic: reboot', '3:10: onPanic is "reboot": it is one of pause, shutdown, exit-failure, none'],
  ['onPanic: true', '3:10: onPanic is true: it is one of pause, shutdown, exit-failure, none'],
  ['watchdog: i6300esb', '3:11: watchdog must be a map of keys and values'],
  [
    'watchdog: { device: "i6300esb,id=x" }',
    "3:21: watchdog.device must be the name of one of QEMU's watchdog devices, such as i6300esb",
  ],
  [
    'watchdog: { action: restart }',
    '3:21: watchdog.action is "restart": it is one of reset, shutdown, poweroff, inject-nmi, pause, debug, none',
  ],
  ['qemu: qemu-system-aarch64', '3:7: qemu must be a map of keys and values'],
  ['qemu: { bin: x }', '3:9: qemu.bin is not known: there are binary, user, group'],
  [
    'qemu: { user: "root; rm" }',
    '3:15: qemu.user is "root; rm", which is not the name of an account, or its number',
  ],
  ['qemu: { group: -1 }', '3:16: qemu.group is -1, which is not the name of an account, or its number'],
  ['qemu: { user: [] }', '3:15: qemu.user must be the name of an account, or its number'],
  ['cpuPinning: { vcpus: [] }', '3:22: cpuPinning.vcpus must name the CPUs of at least one of the guest'],
  [
    'cpuPinning: { vcpus: ["0-"] }',
    '3:23: cpuPinning.vcpus[1] is "0-", which is not a list of CPUs such as 2, "2-5" or "0,4-7"',
  ],
  [
    'cpuPinning: { vcpus: [3-1] }',
    '3:23: cpuPinning.vcpus[1] is "3-1", which is not a list of CPUs such as 2, "2-5" or "0,4-7"',
  ],
  [
    'cpuPinning: { vcpus: [0, 1] }',
    '3:22: cpuPinning.vcpus has 2 entries, and smp makes 1 CPU: give one for each',
  ],
  [
    'smp: 2,sockets=1\ncpuPinning: { vcpus: [0] }',
    '4:22: cpuPinning.vcpus has 1 entry, and smp makes 2 CPUs: give one for each',
  ],
  ['cpuPinning: { vcpus: 0-3 }', '3:22: cpuPinning.vcpus must be a list'],
  ['cpuPinning: { emulator: 0 }', '3:13: cpuPinning.vcpus is missing'],
  [
    'cpuPinning: { vcpus: [9999] }',
    '3:23: cpuPinning.vcpus[1] is 9999, which is not a list of CPUs such as 2, "2-5" or "0,4-7"',
  ],
  ['memory: 2G\nmemoryBackend: hugepages', '4:16: memoryBackend must be a map of keys and values'],
  [
    'memory: 2G\nmemoryBackend: { kind: hugepage }',
    '4:24: memoryBackend.kind is "hugepage": did you mean "hugepages"? It is one of ram, memfd, file, hugepages',
  ],
  ['memoryBackend: { kind: memfd }', '3:16: memory is missing: memoryBackend needs to know how much'],
  ['memory: 2G\nmemoryBackend: { kind: file }', '4:16: memoryBackend.path is missing'],
  [
    'memory: 2G\nmemoryBackend: { kind: ram, path: /dev/shm }',
    '4:29: memoryBackend.path is not known: there are kind, share, preallocate, lock',
  ],
  [
    'memory: 3M\nmemoryBackend: { kind: hugepages, hugepageSize: 2M }',
    '3:9: memory must be a multiple of memoryBackend.hugepageSize',
  ],
  [
    'memory: 2G\nmemoryBackend: { kind: hugepages, hugepageSize: 3M }',
    '4:49: memoryBackend.hugepageSize must be a power of two',
  ],
  [
    'memory: 2G\nmemoryBackend: { kind: hugepages, hugepageSize: 2M, path: /dev/hugepages }',
    '4:49: memoryBackend.hugepageSize has no effect with path: the mount decides',
  ],
  [
    'memory: 2G\nmemoryBackend: { kind: ram, share: maybe }',
    '4:36: memoryBackend.share must be true or false',
  ],
  ['initrd: initrd', '3:1: initrd has no effect without kernel'],
  ['append: a b', '3:1: append has no effect without kernel'],
  ['kernel: [Image]', '3:9: kernel must be text'],
  ["dtb: ''", '3:6: dtb must not be empty'],
  ['firmware: { code: a.fd }', '3:11: firmware.vars is missing'],
  [
    'firmware: { code: a.fd, vars: a.fd }',
    '3:31: firmware.vars is /vms/a.fd, which is used twice, and written to: give each its own',
  ],
  ['firmware: 3', '3:11: firmware must be a path, or a map of code and vars'],
  [
    'firmware: { code: a.fd, vras: b.fd }',
    '3:11: firmware.vars is missing',
    '3:25: firmware.vras is not known: did you mean "vars"?',
  ],
  [
    'bridge: { kind: ivc }\npolicy: p\nfirmware: a.fd',
    '5:1: firmware would not run: bridge.kind ivc starts the guest by itself',
  ],
  ['deviceTree: []', '3:13: deviceTree must be a map of keys and values'],
  ['disks: a.img', '3:8: disks must be a list'],
  ['disks: [a.img]', '3:9: disks[1] must be a map of keys and values'],
  ['disks: [{ format: raw }]', '3:9: disks[1].file is missing'],
  ['disks: [{ file: a.img, format: vmdk }]', '3:32: disks[1].format is "vmdk": it is one of raw, qcow2'],
  [
    'disks: [{ file: a.img, interface: virtoi }]',
    '3:35: disks[1].interface is "virtoi": did you mean "virtio"? It is one of virtio, virtio-pci, virtio-mmio, scsi, nvme, usb, ide',
  ],
  ['disks: [{ file: a.img, readonly: 1 }]', '3:34: disks[1].readonly must be true or false'],
  ['disks: [{ file: a.img, cahce: none }]', '3:24: disks[1].cahce is not known: did you mean "cache"?'],
  ['disks: [{ file: a.img, aio: native }]', '3:29: disks[1].aio native needs cache: none or directsync'],
  [
    "disks: [{ file: a.img, serial: 'a,b c' }]",
    '3:32: disks[1].serial must be 1 to 20 printable characters without spaces',
  ],
  [
    'disks: [{ file: a.img, bootIndex: -1 }]',
    '3:35: disks[1].bootIndex must be a whole number from 0 to 255',
  ],
  [
    'disks: [{ file: a.img, bootIndex: 0 }, { file: b.img, bootIndex: 0 }]',
    '3:66: disks[2].bootIndex is 0, as disks[1].bootIndex is',
  ],
  [
    'disks: [{ file: a.img }, { file: ./x/../a.img }]',
    '3:34: disks[2].file is /vms/a.img, which is used twice, and written to: give each its own',
  ],
  [
    'disks: [{ file: a.img, readonly: true }, { file: a.img }]',
    '3:50: disks[2].file is /vms/a.img, which is used twice, and written to: give each its own',
  ],
  [
    'disks: [{ file: a.img, interface: ide }]',
    "3:35: disks[1].interface ide: QEMU's machine virt has no IDE bus",
  ],
  [
    'nets: [{ kind: usr }]',
    '3:16: nets[1].kind is "usr": did you mean "user"? It is one of user, tap, bridge, none',
  ],
  ['nets: [{}]', '3:8: nets[1].kind is missing: it is one of user, tap, bridge, none'],
  ['nets: user', '3:7: nets must be a list'],
  [
    'nets: [{ kind: none }, { kind: user }]',
    '3:8: nets[1] says that there is no network, and there are others',
  ],
  ['nets: [{ kind: user, forwards: tcp::2222-:22 }]', '3:32: nets[1].forwards must be a list'],
  [
    'nets: [{ kind: user, forwards: ["2222:22"] }]',
    '3:33: nets[1].forwards[1] is "2222:22", which is not a forward such as "tcp::2222-:22" or "udp:127.0.0.1:5353-10.0.2.15:53"',
  ],
  [
    'nets: [{ kind: user, forwards: ["tcp::0-:22"] }]',
    '3:33: nets[1].forwards[1] is "tcp::0-:22", which is not a forward such as "tcp::2222-:22" or "udp:127.0.0.1:5353-10.0.2.15:53"',
  ],
  [
    'nets: [{ kind: user, forwards: ["tcp::2222-:22,hostfwd=tcp::1-:1"] }]',
    '3:33: nets[1].forwards[1] is "tcp::2222-:22,hostfwd=tcp::1-:1", which is not a forward such as "tcp::2222-:22" or "udp:127.0.0.1:5353-10.0.2.15:53"',
  ],
  [
    'nets: [{ kind: user, forwards: ["tcp::2222-:22", "tcp:127.0.0.1:2222-:23"] }]',
    '3:50: nets[1].forwards[2] takes tcp port 2222 a second time',
  ],
  [
    'nets: [{ kind: user, forwards: ["tcp:300.0.0.1:2222-:22"] }]',
    '3:33: nets[1].forwards[1] is "tcp:300.0.0.1:2222-:22", which is not a forward such as "tcp::2222-:22" or "udp:127.0.0.1:5353-10.0.2.15:53"',
  ],
  ['nets: [{ kind: tap }]', '3:8: nets[1].ifname is missing'],
  [
    'nets: [{ kind: tap, ifname: a-name-of-17-chars }]',
    "3:29: nets[1].ifname must be a network interface's name: 1 to 15 characters, no / and no space",
  ],
  [
    'nets: [{ kind: tap, ifname: ../tap }]',
    "3:29: nets[1].ifname must be a network interface's name: 1 to 15 characters, no / and no space",
  ],
  [
    'nets: [{ kind: tap, ifname: t0 }, { kind: tap, ifname: t0 }]',
    '3:56: nets[2].ifname is t0, as nets[1].ifname is',
  ],
  [
    'nets: [{ kind: tap, ifname: t0, queues: 0 }]',
    '3:41: nets[1].queues must be a whole number from 1 to 256',
  ],
  [
    'nets: [{ kind: tap, ifname: t0, queues: 2, model: e1000e }]',
    '3:41: nets[1].queues must be 1: e1000e has one pair',
  ],
  ['nets: [{ kind: user, mac: 525400123456 }]', '3:27: nets[1].mac must be text'],
  [
    'nets: [{ kind: user, mac: "53:54:00:12:34:56" }]',
    '3:27: nets[1].mac must be the address of one station: the lowest bit of its first byte is set, which makes it multicast',
  ],
  ['nets: [{ kind: user, mac: "00:00:00:00:00:00" }]', '3:27: nets[1].mac must not be all zeros'],
  [
    'nets: [{ kind: user, mac: "52:54:00:12:34:56" }, { kind: user, mac: "52:54:00:12:34:56" }]',
    '3:69: nets[2].mac is 52:54:00:12:34:56, as nets[1].mac is',
  ],
  [
    'nets: [{ kind: user, model: "e1000,mac=x" }]',
    "3:29: nets[1].model must be virtio, or the name of one of QEMU's network devices",
  ],
  [
    'nets: [{ kind: user, ifname: tap0 }]',
    '3:22: nets[1].ifname is not known: there are kind, forwards, restrict, mac, model',
  ],
  ['serial: console', '3:9: serial must be a list'],
  [
    'serial: [{ kind: stdio }]',
    '3:18: serial[1].kind is "stdio": it is one of console, file, unix, pty, device, null',
  ],
  ['serial: [{ kind: file }]', '3:10: serial[1].path is missing'],
  ['serial: [{ kind: console }, { kind: console }]', '3:29: serial[2] is a second console: there is one'],
  [
    'serial: [{ kind: file, path: a }, { kind: file, path: a }]',
    '3:55: serial[2].path is /vms/a, as serial[1].path is',
  ],
  ['usb: [{ vendorId: 0x955 }]', '3:7: usb[1] lacks productId: the two go together'],
  ['usb: [{ productId: 0x7020 }]', '3:7: usb[1] lacks vendorId: the two go together'],
  ['usb: [{ hostBus: 1 }]', '3:7: usb[1] lacks hostPort or hostAddress'],
  ['usb: [{ hostPort: "1" }]', '3:7: usb[1] lacks hostBus'],
  ['usb: [{}]', '3:7: usb[1] names no device: give vendorId and productId, or hostBus and hostPort'],
  [
    'usb: [{ hostBus: 1, hostPort: "1", hostAddress: 2 }]',
    '3:7: usb[1] has hostPort and hostAddress: choose one',
  ],
  [
    'usb: [{ vendorId: 0x10955, productId: 1 }]',
    '3:19: usb[1].vendorId is 0x10955, which is not a USB id such as 0x0955',
  ],
  [
    'usb: [{ vendorId: 1d6b, productId: 2 }]',
    '3:19: usb[1].vendorId is "1d6b", which is not a USB id such as 0x0955',
  ],
  [
    'usb: [{ hostBus: 1, hostPort: a.b }]',
    '3:31: usb[1].hostPort is "a.b", which is not a USB port such as "2" or "1.4", in quotation marks',
  ],
  [
    'usb: [{ vendorId: 1, productId: 2 }, { vendorId: "0x1", productId: 2 }]',
    '3:38: usb[2] is the same as usb[1]',
  ],
  ['platformDevices: [17000000.gpu]', '3:19: platformDevices[1] must be a map of keys and values'],
  ['platformDevices: [{ mmioBase: 0x1000 }]', '3:19: platformDevices[1].host is missing'],
  [
    'platformDevices: [{ host: ../x }]',
    '3:27: platformDevices[1].host must be the name of a device in /sys/bus/platform/devices, such as 17000000.gpu',
  ],
  [
    'platformDevices: [{ host: "0000:01:00.0" }]',
    '3:27: platformDevices[1].host is a PCI address: it belongs under pciDevices',
  ],
  [
    'platformDevices: [{ host: 17000000.gpu }, { host: 17000000.gpu }]',
    '3:51: platformDevices[2].host is 17000000.gpu, as platformDevices[1].host is',
  ],
  [
    'platformDevices: [{ host: a.b, mmioBase: 0x60000800 }]',
    "3:42: platformDevices[1].mmioBase must be a multiple of the host's page size, 0x1000 at least",
  ],
  [
    'platformDevices: [{ host: a.b, mmioBase: high }]',
    '3:42: platformDevices[1].mmioBase is "high", which is not an address such as 0x10800000',
  ],
  [
    'platformDevices: [{ host: a.b, mmioBase: 0x60000000 }, { host: c.d, mmioBase: "0x60000000" }]',
    '3:79: platformDevices[2].mmioBase is 0x60000000, as platformDevices[1].mmioBase is',
  ],
  [
    'platformDevices: [{ host: a.b, mmiobase: 0x60000000 }]',
    '3:32: platformDevices[1].mmiobase is not known: did you mean "mmioBase"?',
  ],
  ['platformDevices: [{ host: a.b, regions: 64K }]', '3:41: platformDevices[1].regions must be a list'],
  [
    'platformDevices: [{ host: a.b, regions: [] }]',
    '3:41: platformDevices[1].regions must have a region, or be left out',
  ],
  [
    'platformDevices: [{ host: a.b, regions: [0] }]',
    '3:42: platformDevices[1].regions[1] is 0, which is not a size such as 0x10000 or 64K',
  ],
  [
    'platformDevices: [{ host: a.b, regions: [64X] }]',
    '3:42: platformDevices[1].regions[1] is "64X", which is not a size such as 0x10000 or 64K',
  ],
  [
    'platformDevices: [{ host: a.b, interrupts: [1] }]',
    '3:44: platformDevices[1].interrupts must be a whole number from 0 to 64',
  ],
  [
    'platformDevices: [{ host: a.b, interrupts: 65 }]',
    '3:44: platformDevices[1].interrupts must be a whole number from 0 to 64',
  ],
  [
    'platformDevices: [{ host: a.b, restore: never }]',
    '3:41: platformDevices[1].restore is "never": it is one of previous, leave',
  ],
  [
    'platformDevices: [{ host: a.b, options: { host: c.d } }]',
    '3:43: platformDevices[1].options.host is not for options: gpuvm gives it',
  ],
  [
    'platformDevices: [{ host: a.b, options: { "x,y": 1 } }]',
    '3:43: platformDevices[1].options."x,y" must be a property of this device, as QEMU spells it',
  ],
  [
    'platformDevices: [{ host: a.b, options: { x-y: [1] } }]',
    '3:48: platformDevices[1].options.x-y must be true, false, a number or text',
  ],
  [
    'platformDevices: [{ host: a.b, mmioBase: 0x80000000 }]\nplatformBus: { base: 0x0c000000, size: 32M }',
    '3:42: platformDevices[1].mmioBase is outside platformBus, 0xc000000 to 0xdffffff',
  ],
  ['platformBus: { base: 0x1001 }', '3:22: platformBus.base must be a multiple of 0x1000'],
  [
    'platformBus: { base: 0xfffffffffffff000, size: 64K }',
    '3:22: platformBus.base is 0xfffffffffffff000, which is not an address such as 0x10800000: put so large a number in quotation marks',
  ],
  ['platformBus: { firstSpi: 980, spis: 64 }', '3:37: platformBus.spis reaches past the last one, 987'],
  [
    'platformDevices: [{ host: a.b, mmioBase: 0xfffffffffffff000 }]',
    '3:42: platformDevices[1].mmioBase is 0xfffffffffffff000, which is not an address such as 0x10800000: put so large a number in quotation marks',
  ],
  ['pciDevices: ["01:00.0"]', '3:14: pciDevices[1] must be a map of keys and values'],
  [
    'pciDevices: [{ host: 1:0.0 }]',
    '3:22: pciDevices[1].host is "1:0.0", which is not a PCI address such as 0000:01:00.0',
  ],
  [
    'pciDevices: [{ host: "0000:01:20.0" }]',
    '3:22: pciDevices[1].host is "0000:01:20.0", which is not a PCI address such as 0000:01:00.0',
  ],
  [
    'pciDevices: [{ host: "0000:01:00.8" }]',
    '3:22: pciDevices[1].host is "0000:01:00.8", which is not a PCI address such as 0000:01:00.0',
  ],
  [
    'pciDevices: [{ host: "0000:0A:00.0" }, { host: "0a:00.0" }]',
    '3:48: pciDevices[2].host is 0000:0a:00.0, as pciDevices[1].host is',
  ],
  [
    'bridge: { kind: ivc }\npolicy: p\npciDevices: [{ host: "01:00.0" }]',
    '5:1: pciDevices is of no use: bridge.kind ivc keeps the PCI bus from the guest',
  ],
  [
    'bridge: { kind: vfio-user }\npolicy: p\nusb: [{ vendorId: 1, productId: 2 }]\nonPanic: pause\nwatchdog: {}',
    '5:1: usb is of no use: bridge.kind vfio-user keeps the PCI bus from the guest',
    '6:1: onPanic is of no use: bridge.kind vfio-user keeps the PCI bus from the guest',
    '7:1: watchdog is of no use: bridge.kind vfio-user keeps the PCI bus from the guest',
  ],
  [
    'bridge: { kind: ivc }\npolicy: p\ndisks: [{ file: a, interface: nvme }]',
    '5:31: disks[1].interface nvme is of no use: bridge.kind ivc keeps the PCI bus from the guest',
  ],
  ['bridge: { kind: interposed }', '3:9: policy is missing: a bridge needs one, or nothing would be allowed'],
  [
    'bridge: { kind: interposed, layout: auto }\npolicy: p',
    '3:29: bridge.layout is not known: there are kind, device, guestAddress',
  ],
  [
    'bridge: { kind: interposed, guestAddress: 9x }\npolicy: p',
    '3:43: bridge.guestAddress is "9x", which is not an address such as 0x10800000',
  ],
  ['restore: keep', '3:10: restore is "keep": it is one of previous, leave'],
  ['ready: console', '3:8: ready must be a map of keys and values'],
  ['ready: { when: console }', '3:8: ready.marker is missing'],
  ['ready: { when: guest-agent }', '3:16: ready.when guest-agent needs guestAgent: true'],
  ['ready: { when: booted }', '3:16: ready.when is "booted": it is one of qmp, console, guest-agent'],
  [
    'ready: { when: console, marker: x }\nserial: [{ kind: pty }]',
    '3:16: ready.when console needs a port of kind console under serial',
  ],
  ['guestAgent: on', '3:13: guestAgent must be true or false'],
  ['restart: always', '3:10: restart must be a map of keys and values'],
  [
    'restart: { policy: on-fail }',
    '3:20: restart.policy is "on-fail": it is one of never, on-failure, always',
  ],
  ['restart: { limit: 0 }', '3:19: restart.limit must be a whole number from 1 to 1000'],
  ['restart: { limit: 2.5 }', '3:19: restart.limit must be a whole number from 1 to 1000'],
  ['restart: { delay: 10s, maxDelay: 5s }', '3:24: restart.maxDelay is shorter than restart.delay'],
  [
    'restart: { window: 10 }',
    '3:20: restart.window must be a time with its unit, such as 500ms, 20s or 2min (a day at most)',
  ],
  ['onGuestReset: reboot', '3:15: onGuestReset is "reboot": it is one of keep, restart'],
  ['hooks: []', '3:8: hooks must be a map of keys and values'],
  ['hooks: { prestart: [] }', '3:10: hooks.prestart is not known: did you mean "preStart"?'],
  [
    'hooks: { preStart: [/bin/true] }',
    '3:21: hooks.preStart[1] must be a list of a program and its arguments, or a map of run and deadline',
  ],
  ['hooks: { preStart: [[]] }', '3:21: hooks.preStart[1] must name a program'],
  ['hooks: { preStart: [[/bin/echo, 3]] }', '3:33: hooks.preStart[1][2] must be text'],
  ['hooks: { preStart: [{ run: [] }] }', '3:28: hooks.preStart[1].run must name a program'],
  [
    'hooks: { preStart: [{ run: [/bin/true], dedline: 5s }] }',
    '3:41: hooks.preStart[1].dedline is not known: did you mean "deadline"?',
  ],
  [
    'hooks: { preStart: [{ run: [/bin/true], deadline: 5 }] }',
    '3:51: hooks.preStart[1].deadline must be a time with its unit, such as 500ms, 20s or 2min (a day at most)',
  ],
  ['hooks: { postStop: [{ deadline: 5s }] }', '3:21: hooks.postStop[1].run is missing'],
  [
    'control: { mode: "0888" }',
    '3:18: control.mode is "0888", which is not permissions in quotation marks, such as "0660"',
  ],
  [
    'control: { group: "a b" }',
    '3:19: control.group is "a b", which is not the name of an account, or its number',
  ],
  [
    'control: { socket: /LONG }',
    "3:20: control.socket is 121 bytes with its folder, and a socket's path has 107 at most",
  ],
  [
    'extraArguments: [-daemonize]',
    '3:18: extraArguments[1] is -daemonize: a QEMU that goes away cannot be supervised',
  ],
  [
    'extraArguments: [-monitor, stdio]',
    "3:28: extraArguments[2] is stdio: the standard input and output are gpuvm's console; list the ports under serial",
  ],
  [
    'metrics: { listen: "0.0.0.0:9470" }',
    '3:20: metrics.listen is 0.0.0.0, where other hosts can read them: use 127.0.0.1, or say public: true',
  ],
  [
    'metrics: { listen: "[::]:9470" }',
    '3:20: metrics.listen is ::, where other hosts can read them: use 127.0.0.1, or say public: true',
  ],
  [
    'metrics: { listen: 9470 }',
    '3:20: metrics.listen must be an address and a port such as "127.0.0.1:9470" or "[::1]:9470"',
  ],
  [
    'metrics: { listen: "127.0.0.1:70000" }',
    '3:20: metrics.listen is "127.0.0.1:70000", which is not an address and a port such as "127.0.0.1:9470" or "[::1]:9470"',
  ],
  ['capture: { file: a.pcapng }', '3:1: capture has nothing to keep: the VM has no bridge'],
  ['capture: { file: a.pcapng, files: 0 }', '3:35: capture.files must be a whole number from 1 to 1000'],
  ['metrics: { public: true }', '3:10: metrics.listen is missing'],
  ['extraArguments: -s', '3:17: extraArguments must be a list'],
  [
    'deadlines: { qmp: 0.5 }',
    '3:19: deadlines.qmp must be a time with its unit, such as 500ms, 20s or 2min (a day at most)',
  ],
  ['policy: 3', '3:9: policy must be text'],
  ['backend: simulated', '3:10: backend must be a map of keys and values'],
  [
    'backend: { kind: host-devcie }',
    '3:18: backend.kind is "host-devcie": did you mean "host-device"? It is one of simulated, host-device',
  ],
  ['__proto__: 1', '3:1: __proto__ is not known: docs/vm-file.md has the keys'],
  ['constructor: 1', '3:1: constructor is not known: docs/vm-file.md has the keys'],
  ['machine: virt,memory-backend=m', '3:1: machine is there twice'],
  ['? \n', '3:3: "" is not known: docs/vm-file.md has the keys'],
  [
    'serial: [{ kind: unix, path: /LONG }]',
    "3:30: serial[1].path is 121 bytes with its folder, and a socket's path has 107 at most",
  ],
];

describe('a mistake in a VM file', () => {
  it('has one line, with its place', () => {
    expect(table.length).toBeGreaterThan(150);
  });

  it.each(table)('%j', (lines, ...mistakes) => {
    expect(said(lines)).toEqual(mistakes);
  });

  it('that a PC has, and virt has not', () => {
    const of = (text: string) => said(text).map((line) => line.replace(/^[\d:]+ /, ''));
    const pc = (text: string) => {
      try {
        parseVmFile(`name: kite\nmachine: q35,accel=kvm\n${text}`, { file, env: {} });
      } catch (error) {
        return (error as Error).message.replace(/^\S+ /, '');
      }
      return undefined;
    };
    const ide = 'disks: [{ file: a.img, interface: ide, readonly: true }]';
    expect(pc(ide)).toBe('disks[1].readonly cannot be for an ide disk: QEMU has none that is read-only');
    expect(of(ide)).toHaveLength(2);
    expect(pc('platformDevices: [{ host: 17000000.gpu }]')).toBe(
      "platformDevices need QEMU's machine virt, not q35,accel=kvm",
    );
    expect(pc('disks: [{ file: a.img, interface: virtio-mmio }]')).toBe(
      "disks[1].interface virtio-mmio: QEMU's machine q35,accel=kvm has no such bus",
    );
    expect(pc('disks: [{ file: a.img, interface: ide }]')).toBeUndefined();
  });

  it('is told once where two rules would tell it', () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the VM file's own variables
    expect(said('hooks: { preStart: [["${nope}"]] }')).toEqual([
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the VM file's own variables
      '3:21: ${nope} is not known (there are ${cache} and ${here})',
    ]);
  });

  it.each(['[', '{a: ', '- ', '? ', 'a:\n '])('of nesting (%j) costs nothing', (opening) => {
    const text = opening === 'a:\n ' ? indented(10_000) : opening.repeat(200_000);
    expect(() => parseVmFile(text, { file })).toThrow(/^\S+:\d+:\d+: nested too deeply$/);
  });
});

/** Each key one column further in. */
function indented(depth: number): string {
  let text = '';
  for (let column = 0; text.length < 1_000_000 && column < depth; column++)
    text += `${' '.repeat(column)}a:\n`;
  return text;
}
