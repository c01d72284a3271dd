import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface FakeQemu {
  readonly machines?: readonly string[];
  readonly accelerators?: readonly string[];
  /** Devices with their options. */
  readonly devices?: Readonly<Record<string, readonly string[]>>;
  /** Lines of `info mtree`: `[first, last, name]`. */
  readonly regions?: readonly (readonly [first: bigint, last: bigint, name: string])[];
  readonly version?: string;
  /** Answers nothing at all. */
  readonly isSilent?: boolean;
}

const folder = mkdtempSync(join(tmpdir(), 'gpuvm-qemu-'));
let count = 0;

export const removeFakes = () => rmSync(folder, { recursive: true, force: true });

/** A program that answers the doctor's questions as a QEMU does, and writes down each question beside itself (`.asked`). */
export function fakeQemu({
  machines = ['virt'],
  accelerators = ['tcg'],
  devices = {},
  regions = [],
  version = '9.2.0',
  isSilent,
}: FakeQemu = {}): string {
  const path = join(folder, `qemu-${++count}`);
  const hex = (value: bigint) => value.toString(16).padStart(16, '0');
  const tree = [
    'address-space: cpu-memory-0',
    'address-space: memory',
    '  0000000000000000-ffffffffffffffff (prio 0, i/o): system',
    ...regions.map(([first, last, name]) => `    ${hex(first)}-${hex(last)} (prio 0, i/o): ${name}`),
    '',
    'address-space: I/O',
  ].join('\r\n');
  const cases = [
    `--version) echo 'QEMU emulator version ${version} (patched)' ;;`,
    `*-machine?help*) echo 'Supported machines are:'; ${machines.map((name) => `echo '${name}  some machine'`).join('; ')} ;;`,
    `*-accel?help*) echo 'Accelerators supported in QEMU binary:'; ${accelerators.map((name) => `echo ${name}`).join('; ')} ;;`,
    ...Object.entries(devices).map(
      ([name, options]) =>
        `*${name},help*) echo '${name} options:'; ${options.map((option) => `echo '  ${option}=<str>'`).join('; ') || 'true'} ;;`,
    ),
    `*-device*) echo 'Device not found' >&2 ;;`,
    `*-qmp*) cat >/dev/null; echo '{"QMP": {}}'; echo '{"return": {}}'; cat <<'TREE'\n${JSON.stringify({ return: tree })}\nTREE\n ;;`,
  ];
  const body = isSilent ? 'exec sleep 3' : `case "$*" in\n${cases.join('\n')}\nesac`;
  writeFileSync(path, `#!/bin/sh\necho "$*" >> "$0.asked"\n${body}\n`);
  chmodSync(path, 0o755);
  return path;
}

/** What an Orin's patched QEMU has. */
export const orinQemu: FakeQemu = {
  accelerators: ['kvm', 'tcg'],
  devices: { 'vfio-platform': ['host', 'mmio-base'], 'vfio-pci': ['host'] },
  regions: [
    [0x90c_0000n, 0x90c_0fffn, 'nvidia.bpmp_guest'],
    [0x6000_0000n, 0x1f_ffff_ffffn + 0x2000_0000n, 'platform bus'],
    [0x20_0000_0000n, 0x20_07ff_ffffn, 'mach-virt.ram'],
  ],
};
