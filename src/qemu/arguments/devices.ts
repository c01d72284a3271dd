import type { ArgumentContext } from './context.js';
import { hex, options } from './option.js';

/** Devices of the host's that the guest owns, in the file's order. */
export function ownedDeviceArguments({ config }: ArgumentContext): string[] {
  const platform = config.platformDevices.map(({ host, mmioBase, options: more }) =>
    options('vfio-platform', {
      host,
      'mmio-base': mmioBase === undefined ? undefined : hex(mmioBase),
      ...more,
    }),
  );
  const pci = config.pciDevices.map(({ host, options: more }) => options('vfio-pci', { host, ...more }));
  return [...platform, ...pci].flatMap((device) => ['-device', device]);
}

/** The id of the character device that leads to the guest's agent. */
export const GUEST_AGENT = 'guest-agent';
const GUEST_AGENT_BUS = 'guest-agent-bus';

export function guestAgentArguments({ config, virtio }: ArgumentContext): string[] {
  if (!config.guestAgent) return [];
  const bus = options(virtio === 'pci' ? 'virtio-serial-pci' : 'virtio-serial-device', {
    id: GUEST_AGENT_BUS,
  });
  const port = options('virtserialport', {
    bus: `${GUEST_AGENT_BUS}.0`,
    chardev: GUEST_AGENT,
    name: 'org.qemu.guest_agent.0',
  });
  return ['-device', bus, '-device', port];
}

export function watchdogArguments({ config: { watchdog } }: ArgumentContext): string[] {
  if (!watchdog) return [];
  return ['-device', watchdog.device, '-action', `watchdog=${watchdog.action}`];
}

export function panicArguments({ config: { onPanic } }: ArgumentContext): string[] {
  if (onPanic === undefined) return [];
  return ['-device', 'pvpanic-pci', '-action', `panic=${onPanic}`];
}
