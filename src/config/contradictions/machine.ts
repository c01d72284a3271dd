import { cpuCount } from '../schema/cpu.js';
import { type Complaints, hidesPci, isVirt } from './complain.js';

export function machineContradictions(complaints: Complaints): void {
  const { config } = complaints;
  const { bridge, machine } = config;
  if (bridge.kind !== 'none' && config.policy === undefined)
    complaints.missing('policy', 'a bridge needs one, or nothing would be allowed', ['bridge']);
  if (hidesPci(config) && !isVirt(machine))
    complaints.at(['machine'], `${machine}: bridge.kind ${bridge.kind} is for QEMU's machine virt`);
  for (const key of ['initrd', 'append'] as const) {
    if (config[key] !== undefined && config.kernel === undefined)
      complaints.atKey([key], 'has no effect without kernel');
  }
  if (config.firmware !== undefined && hidesPci(config))
    complaints.atKey(['firmware'], `would not run: bridge.kind ${bridge.kind} starts the guest by itself`);
  pinning(complaints);
  unseen(complaints);
  extraArguments(complaints);
}

function pinning(complaints: Complaints): void {
  const { cpuPinning, smp } = complaints.config;
  const count = cpuCount(smp);
  if (!cpuPinning || count === undefined || cpuPinning.vcpus.length === count) return;
  const given = cpuPinning.vcpus.length;
  complaints.at(
    ['cpuPinning', 'vcpus'],
    `has ${given} ${given === 1 ? 'entry' : 'entries'}, and smp makes ${count} ${count === 1 ? 'CPU' : 'CPUs'}: give one for each`,
  );
}

/** PCI devices in a machine whose guest is not to know of its PCI bus. */
function unseen(complaints: Complaints): void {
  const { config } = complaints;
  if (!hidesPci(config)) return;
  const why = `is of no use: bridge.kind ${config.bridge.kind} keeps the PCI bus from the guest`;
  if (config.onPanic !== undefined) complaints.atKey(['onPanic'], why);
  if (config.watchdog?.device === 'i6300esb') complaints.atKey(['watchdog'], why);
  for (const key of ['usb', 'pciDevices'] as const) {
    if (config[key].length > 0) complaints.atKey([key], why);
  }
  for (const [index, disk] of config.disks.entries()) {
    if (['virtio-pci', 'nvme', 'usb'].includes(disk.interface))
      complaints.at(['disks', index, 'interface'], `${disk.interface} ${why}`);
  }
}

/** Options whose value says what a character device is. */
const PORTS = ['-serial', '-monitor', '-chardev', '-qmp', '-parallel', '-mon', '-gdb'];

function extraArguments(complaints: Complaints): void {
  const { extraArguments, serial } = complaints.config;
  const hasConsole = serial?.some(({ kind }) => kind === 'console') ?? true;
  for (const [index, argument] of extraArguments.entries()) {
    const name = argument.replace(/^--/, '-');
    if (name === '-daemonize')
      complaints.at(['extraArguments', index], 'is -daemonize: a QEMU that goes away cannot be supervised');
    const before = extraArguments[index - 1]?.replace(/^--/, '-') ?? '';
    if (hasConsole && PORTS.includes(before) && /^(mon:)?stdio(,|$)/.test(argument))
      complaints.at(
        ['extraArguments', index],
        `is ${argument}: the standard input and output are gpuvm's console; list the ports under serial`,
      );
  }
}
