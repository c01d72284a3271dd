import * as z from 'zod';
import { count, flag, text, written } from './values.js';

/** The host's end of a forward; QEMU's own spelling, of which this is what can be checked. */
export interface Forward {
  readonly protocol: 'tcp' | 'udp';
  /** Empty for every address. */
  readonly hostAddress: string;
  readonly hostPort: number;
  readonly guestAddress: string;
  readonly guestPort: number;
  /** As it is handed to QEMU. */
  readonly text: string;
}

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/;
const FORWARD = /^(tcp|udp)?:([0-9.]*):(\d{1,5})-([0-9.]*):(\d{1,5})$/;

/** `tcp:127.0.0.1:2222-:22`, as QEMU's hostfwd has it; undefined where it is none. */
export function parseForward(value: string): Forward | undefined {
  const match = FORWARD.exec(value);
  if (!match) return undefined;
  const [protocol = 'tcp', hostAddress, host, guestAddress, guest] = match.slice(1) as [
    Forward['protocol'] | undefined,
    string,
    string,
    string,
    string,
  ];
  const [hostPort, guestPort] = [Number(host), Number(guest)];
  const isAddress = (address: string) => address === '' || IPV4.test(address);
  if (!isAddress(hostAddress) || !isAddress(guestAddress)) return undefined;
  if (hostPort < 1 || hostPort > 65535 || guestPort < 1 || guestPort > 65535) return undefined;
  return { protocol, hostAddress, hostPort, guestAddress, guestPort, text: value };
}

const forward = written(
  parseForward,
  'a forward such as "tcp::2222-:22" or "udp:127.0.0.1:5353-10.0.2.15:53"',
  '^(tcp|udp)?:[0-9.]*:[0-9]{1,5}-[0-9.]*:[0-9]{1,5}$',
);

const MAC = /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i;

const mac = z
  .string('must be text')
  .regex(MAC, 'must be a MAC address such as 52:54:00:12:34:56')
  .refine((value) => !MAC.test(value) || (Number.parseInt(value.slice(0, 2), 16) & 1) === 0, {
    message:
      'must be the address of one station: the lowest bit of its first byte is set, which makes it multicast',
  })
  .refine((value) => value !== '00:00:00:00:00:00', 'must not be all zeros')
  .transform((value) => value.toLowerCase())
  .optional()
  .describe("The guest's address; by default QEMU's choice.");

const model = z
  .string('must be text')
  .regex(/^[a-z][a-z0-9_.-]*$/, "must be virtio, or the name of one of QEMU's network devices")
  .default('virtio')
  .describe(
    'virtio (PCI, or MMIO where the bridge keeps the PCI bus from the guest), or the name of a QEMU device.',
  );

/** The kernel's IFNAMSIZ is 16, its terminator included. */
const interfaceName = z
  .string('must be text')
  .regex(
    /^(?!\.{1,2}$)[^\s/:%\0]{1,15}$/,
    "must be a network interface's name: 1 to 15 characters, no / and no space",
  );

const net = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z
      .literal('user')
      .describe("QEMU's own network: the guest reaches out, and what is forwarded reaches in."),
    forwards: z
      .array(forward)
      .prefault([])
      .describe('Ports of the host that lead to the guest: "tcp::2222-:22", as QEMU\'s hostfwd.'),
    restrict: flag
      .default(false)
      .describe('Whether the guest is kept from reaching anything but its forwards.'),
    mac,
    model,
  }),
  z.strictObject({
    kind: z.literal('tap').describe('A tap interface that is there already, and that QEMU may open.'),
    ifname: interfaceName.describe("The tap's name."),
    queues: count(1, 256)
      .default(1)
      .describe('The pairs of queues; the tap must be made with multi_queue for more than 1.'),
    vhost: flag.optional().describe("Whether the host's kernel moves the packets (/dev/vhost-net)."),
    mac,
    model,
  }),
  z.strictObject({
    kind: z.literal('bridge').describe("A bridge of the host, through QEMU's bridge helper."),
    bridge: interfaceName.default('br0').describe("The bridge's name."),
    helper: text.optional().describe('The helper program; by default the one that this QEMU was built with.'),
    mac,
    model,
  }),
  z.strictObject({
    kind: z.literal('none').describe("No network; with defaults: true it keeps QEMU's own away."),
  }),
]);

export const nets = z.array(net).prefault([]).describe("The guest's network devices, in order.");
