import {
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';

export interface FakeDevice {
  readonly bus: 'platform' | 'pci';
  readonly name: string;
  /** The driver that it has, and that takes it again. */
  readonly driver?: string;
  readonly override?: string;
  readonly group?: string;
  /** More files of its folder. */
  readonly files?: Readonly<Record<string, string>>;
}

export interface FakeHostParts {
  readonly devices: readonly FakeDevice[];
  /** Further files, by their path. */
  readonly files?: Readonly<Record<string, string>>;
}

/** The reference VM's ten platform devices, some of them with a driver of the host's, and a PCI GPU with its companions. */
export const referenceDevices: readonly FakeDevice[] = [
  { bus: 'platform', name: '60000000.vm_hs_p', group: '10' },
  { bus: 'platform', name: '80000000.vm_cma_p', group: '11' },
  { bus: 'platform', name: '100000000.vm_cma_vram_p', group: '12' },
  { bus: 'platform', name: '17000000.gpu', group: '13', driver: 'gk20a-dummy' },
  { bus: 'platform', name: '13e00000.host1x_pt', group: '14', override: 'tegra-host1x' },
  { bus: 'platform', name: '15340000.vic', group: '15', driver: 'tegra-vic' },
  { bus: 'platform', name: '15480000.nvdec', group: '16', driver: 'tegra-nvdec', override: 'tegra-nvdec' },
  {
    bus: 'platform',
    name: '15540000.nvjpg',
    group: '17',
    driver: 'vfio-platform',
    override: 'vfio-platform',
  },
  { bus: 'platform', name: 'd800000.dce', group: '18' },
  { bus: 'platform', name: '13800000.display', group: '19', driver: 'tegra-dc' },
  ...['0', '1', '2'].map(
    (number): FakeDevice => ({
      bus: 'pci',
      name: `0000:01:00.${number}`,
      group: '2',
      driver: ['nouveau', 'snd_hda_intel', 'xhci_hcd'][Number(number)]!,
      files: {
        vendor: '0x10de\n',
        device: `0x1ed${number}\n`,
        class: '0x030000\n',
        reset_method: 'flr bus\n',
        reset: '',
      },
    }),
  ),
  { bus: 'pci', name: '0000:00:01.0', group: '2', driver: 'pcieport', files: { class: '0x060400\n' } },
];

/** A tree that looks as sysfs, procfs and /dev do for these devices. Plain files: FakeKernel makes them react. */
export function buildFakeHost(
  parts: FakeHostParts,
  root = mkdtempSync(join(tmpdir(), 'gpuvm-host-')),
): string {
  const write = (path: string, text: string, mode?: number) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
    if (mode !== undefined) chmodSync(join(root, path), mode);
  };
  write('proc/sys/kernel/random/boot_id', '11111111-2222-3333-4444-555555555555\n');
  write('proc/sys/kernel/osrelease', '5.15.148-tegra\n');
  write('dev/vfio/vfio', '', 0o666);
  write('sys/module/vfio_platform/parameters/reset_required', 'N\n');
  for (const bus of ['platform', 'pci'] as const) {
    mkdirSync(join(root, `sys/bus/${bus}/devices`), { recursive: true });
    write(`sys/bus/${bus}/drivers_probe`, '', 0o200);
    const drivers = parts.devices.filter((one) => one.bus === bus).flatMap(({ driver }) => driver ?? []);
    for (const driver of new Set([`vfio-${bus}`, ...drivers])) {
      write(`sys/bus/${bus}/drivers/${driver}/bind`, '', 0o200);
      write(`sys/bus/${bus}/drivers/${driver}/unbind`, '', 0o200);
    }
  }
  for (const { bus, name, driver, override = '(null)', group, files = {} } of parts.devices) {
    const folder = `sys/devices/${bus}/${name}`;
    write(`${folder}/driver_override`, `${override}\n`);
    // What a driver of the host matches by; the kernel has it in a table of its own.
    if (driver !== undefined) write(`${folder}/modalias`, `${bus}:${driver}\n`);
    for (const [file, text] of Object.entries(files)) write(`${folder}/${file}`, text);
    link(root, `sys/bus/${bus}/devices/${name}`, folder);
    link(root, `${folder}/subsystem`, `sys/bus/${bus}`);
    if (group !== undefined) {
      link(root, `${folder}/iommu_group`, `sys/kernel/iommu_groups/${group}`);
      link(root, `sys/kernel/iommu_groups/${group}/devices/${name}`, folder);
    }
    if (driver !== undefined) attach(root, bus, name, driver);
  }
  for (const [path, text] of Object.entries(parts.files ?? {})) write(path, text);
  return root;
}

/** Puts a device into the group whose number its node's `iommus` is. */
export function joinGroup(root: string, folder: string, name: string): void {
  const group = readFileSync(join(folder, 'of_node/iommus'), 'utf8');
  const device = relative(root, folder);
  link(root, `${device}/iommu_group`, `sys/kernel/iommu_groups/${group}`);
  link(root, `sys/kernel/iommu_groups/${group}/devices/${name}`, device);
}

/** A process with files open, as /proc shows it. */
export function addProcess(root: string, pid: number, name: string, open: readonly string[]): void {
  mkdirSync(join(root, `proc/${pid}/fd`), { recursive: true });
  writeFileSync(join(root, `proc/${pid}/comm`), `${name}\n`);
  open.forEach((path, fd) => void symlinkSync(path, join(root, `proc/${pid}/fd/${fd}`)));
}

export function link(root: string, from: string, to: string): void {
  mkdirSync(dirname(join(root, from)), { recursive: true });
  symlinkSync(relative(dirname(join(root, from)), join(root, to)), join(root, from));
}

/** Binds without a question: the links of both sides, and VFIO's node for the group. */
export function attach(root: string, bus: string, name: string, driver: string): void {
  const folder = `sys/devices/${bus}/${name}`;
  link(root, `${folder}/driver`, `sys/bus/${bus}/drivers/${driver}`);
  link(root, `sys/bus/${bus}/drivers/${driver}/${name}`, folder);
  const group = nameOf(join(root, folder, 'iommu_group'));
  if (!driver.startsWith('vfio') || group === undefined) return;
  const node = join(root, 'dev/vfio', group);
  if (existsSync(node)) return;
  writeFileSync(node, '');
  chmodSync(node, 0o600);
}

export function detach(root: string, bus: string, name: string): void {
  const folder = join(root, `sys/devices/${bus}/${name}`);
  const driver = nameOf(join(folder, 'driver'))!;
  rmSync(join(folder, 'driver'));
  rmSync(join(root, `sys/bus/${bus}/drivers/${driver}/${name}`));
  const group = nameOf(join(folder, 'iommu_group'));
  if (!driver.startsWith('vfio') || group === undefined) return;
  const members = readdirSync(join(root, `sys/kernel/iommu_groups/${group}/devices`));
  const others = members.map((member) =>
    nameOf(join(root, `sys/kernel/iommu_groups/${group}/devices/${member}/driver`)),
  );
  if (!others.some((other) => other?.startsWith('vfio'))) rmSync(join(root, 'dev/vfio', group));
}

export function nameOf(path: string): string | undefined {
  try {
    return basename(readlinkSync(path));
  } catch {
    return undefined;
  }
}

/** Everything below a folder: each file with its mode and content, each link with its target. */
export function snapshot(root: string, path = '', all: Record<string, string> = {}): Record<string, string> {
  for (const { name } of readdirSync(join(root, path), { withFileTypes: true })) {
    const inner = join(path, name);
    const full = join(root, inner);
    const stats = lstatSync(full);
    const mode = `${(stats.mode & 0o7777).toString(8)} ${stats.uid}:${stats.gid}`;
    if (stats.isSymbolicLink()) all[inner] = `→ ${readlinkSync(full)}`;
    else all[inner] = stats.isDirectory() ? `${mode}/` : `${mode} ${readFileSync(full, 'latin1')}`;
    // Not by `recursive`, which follows links round in circles.
    if (stats.isDirectory()) snapshot(root, inner, all);
  }
  return all;
}

/** A second one like it. */
export function copyHost(from: string, to: string): void {
  mkdirSync(to);
  chmodSync(to, lstatSync(from).mode);
  for (const { name } of readdirSync(from, { withFileTypes: true })) {
    const [old, made] = [join(from, name), join(to, name)];
    const stats = lstatSync(old);
    if (stats.isDirectory()) copyHost(old, made);
    else if (stats.isSymbolicLink()) symlinkSync(readlinkSync(old), made);
    else {
      copyFileSync(old, made);
      chmodSync(made, stats.mode);
    }
  }
}
