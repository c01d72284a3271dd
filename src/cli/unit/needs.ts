import type { VmConfig } from '../../config/index.js';
import type { Need } from '../../host/systemd/index.js';

/** The device nodes that a VM uses, as DeviceAllow has them. */
export function devicesOf(config: VmConfig): Need[] {
  const { machine, bridge, backend, nets, usb, serial, disks, memoryBackend, extraArguments } = config;
  const needs: Need[] = [];
  const add = (what: string, why: string) => {
    if (!needs.some((need) => need.what === what)) needs.push({ what, why });
  };
  const words = [machine, ...extraArguments].join(' ');
  if (/\bkvm\b/.test(words)) add('/dev/kvm rw', 'the guest runs on the CPU itself');
  if (config.platformDevices.length + config.pciDevices.length > 0) {
    add('/dev/vfio/vfio rw', "the devices' view of memory");
    // A group's node comes into being when its device is bound, after systemd has read this, so it is named by its kind.
    add('char-vfio rw', 'the groups of the devices, which have no node yet when the service starts');
  }
  if (backend.kind === 'host-device') add(`${backend.path} rw`, "the host's BPMP, for the bridge");
  else if (bridge.kind === 'interposed') add(`${bridge.device} rw`, "the host's BPMP, for the bridge");
  for (const net of nets) {
    if (net.kind === 'tap') add('/dev/net/tun rw', `the network ${net.ifname}`);
    if (net.kind === 'tap' && net.vhost !== false) add('/dev/vhost-net rw', 'its packets');
  }
  if (usb.length > 0)
    add('char-usb_device rw', 'the USB devices, whose nodes change when they are plugged in');
  for (const port of serial ?? []) if (port.kind === 'device') add(`${port.path} rw`, 'a serial port');
  for (const { file, readonly } of disks) {
    if (file.startsWith('/dev/')) add(`${file} ${readonly ? 'r' : 'rw'}`, 'a disk');
  }
  if (memoryBackend?.kind === 'file' && memoryBackend.path.startsWith('/dev/'))
    add(`${memoryBackend.path} rw`, "the guest's memory");
  return needs;
}

/** Modules whose drivers the devices are handed to. */
export function modulesOf({ platformDevices, pciDevices, nets }: VmConfig): string[] {
  return [
    ...(platformDevices.length > 0 ? ['vfio_platform'] : []),
    ...(pciDevices.length > 0 ? ['vfio_pci'] : []),
    ...(nets.some((net) => net.kind === 'tap') ? ['tun'] : []),
  ];
}

/** The rights of root that are needed; `override` says which files are somebody else's. */
export function capabilitiesOf(config: VmConfig, override: readonly Need[]): Need[] {
  const { bridge, nets, qemu, control, metrics, platformDevices, pciDevices, cpuPinning } = config;
  const needs: Need[] = [];
  const isOther = qemu.user !== undefined || qemu.group !== undefined;
  if (isOther) {
    needs.push(
      { what: 'CAP_SETUID', why: 'QEMU runs as another user' },
      { what: 'CAP_SETGID', why: 'and group' },
      { what: 'CAP_KILL', why: 'it is signalled' },
      { what: 'CAP_DAC_OVERRIDE', why: 'its sockets are its own' },
    );
  }
  if (isOther || control.group !== undefined)
    needs.push({ what: 'CAP_CHOWN', why: 'what it may use becomes its own' });
  if (bridge.kind === 'interposed')
    needs.push({ what: 'CAP_SYS_PTRACE', why: "the bridge reads QEMU's messages" });
  else if (platformDevices.length + pciDevices.length > 0)
    needs.push({ what: 'CAP_SYS_PTRACE', why: 'whoever holds a device is found' });
  if (hidingOf(config) === 'by-root')
    needs.push({
      what: 'CAP_SYS_ADMIN',
      why: "the BPMP's node is hidden from QEMU, which does not keep this",
    });
  if (hidingOf(config) === 'by-user-namespace')
    needs.push({ what: 'CAP_SETFCAP', why: "root is root in the namespace that hides the BPMP's node" });
  if (isOther && cpuPinning) needs.push({ what: 'CAP_SYS_NICE', why: 'its threads are pinned' });
  if (!isOther && nets.some((net) => net.kind === 'tap'))
    needs.push({ what: 'CAP_NET_ADMIN', why: 'QEMU opens its tap interface' });
  const ports = nets.flatMap((net) => (net.kind === 'user' ? net.forwards : []));
  if (ports.some(({ hostPort }) => hostPort < 1024))
    needs.push({ what: 'CAP_NET_BIND_SERVICE', why: 'a port below 1024 is forwarded' });
  else if (metrics && metrics.listen.port < 1024)
    needs.push({ what: 'CAP_NET_BIND_SERVICE', why: 'metrics are served on a port below 1024' });
  return [...needs, ...override.filter(({ what }) => !needs.some((need) => need.what === what))];
}

/** Whether the BPMP's node is hidden from QEMU, as `gpuvm run` does it. */
export function hidingOf({ bridge, backend, qemu }: VmConfig): 'no' | 'by-root' | 'by-user-namespace' {
  if (bridge.kind !== 'interposed' && backend.kind !== 'host-device') return 'no';
  // A QEMU that runs as root would keep CAP_SYS_ADMIN; one that becomes another user cannot in a user namespace.
  return qemu.user === undefined && qemu.group === undefined ? 'by-user-namespace' : 'by-root';
}

/** Options of QEMU by which it reaches out, or is reached, by IP. */
const BY_IP =
  /^-(nic|net|netdev|gdb|s|vnc|spice|incoming)$|\b(tcp|udp|telnet|websocket|nbd|iscsi|https?|ssh|sftp):|socket,.*(host|port)=/;

export function networkOf({ nets, extraArguments, hooks, metrics }: VmConfig): 'none' | 'host' {
  const hasHooks = Object.values(hooks).some((list) => list.length > 0);
  const reaches = nets.some(({ kind }) => kind !== 'none') || extraArguments.some((word) => BY_IP.test(word));
  return reaches || hasHooks || metrics !== undefined ? 'host' : 'none';
}
