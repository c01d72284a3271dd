import type { HostDevice } from './read.js';

/** What is special about a device. All that match are heeded; the first that says something about a thing wins. */
export interface Quirk {
  /** Which devices: all parts that are given must fit. */
  readonly match: {
    readonly bus: 'platform' | 'pci';
    readonly name?: RegExp;
    /** A PCI id `10de:2342`, or an entry of the device tree's `compatible`. */
    readonly identity?: RegExp;
    /** The host's driver that has it when it is to be bound. */
    readonly driver?: RegExp;
  };
  /** That driver must not get the device a second time before the next boot: it stays with VFIO, whatever was asked for. */
  readonly neverRebind?: true;
  /** It is not given back at the end of each run, unless the VM file says so. */
  readonly leave?: true;
  /** It is reset before VFIO's driver gets it. */
  readonly resetFirst?: true;
  /** Device nodes of the host's driver that sysfs does not show with the device: whoever has one open uses it. */
  readonly nodes?: RegExp;
  /** VFIO's driver for just this device, where the kernel has it. */
  readonly driver?: string;
  /** Why, for people; a sentence without a full stop. */
  readonly reason: string;
}

export const quirks: readonly Quirk[] = [
  {
    match: { bus: 'platform', driver: /^(gk20a|nvgpu)$/ },
    neverRebind: true,
    nodes: /^\/dev\/(nvgpu\/|nvhost-.*gpu|nvmap$)/,
    reason:
      'nvgpu leaves callbacks of its own registered when it is taken off the GPU, and has crashed when it came up on it again',
  },
  {
    match: { bus: 'pci', driver: /^nvidia$/ },
    nodes: /^\/dev\/nvidia/,
    reason: 'the nvidia driver waits for ever for its users when it is unbound',
  },
  {
    match: { bus: 'pci', identity: /^10de:(2342|2345|2348|2941|31c2)$/ },
    driver: 'nvgrace-gpu-vfio-pci',
    reason: "only this driver maps the memory that a Grace machine's GPU shares with its CPU",
  },
];

/** What the quirks come to for one device. */
export interface QuirkEffects {
  readonly matched: readonly Quirk[];
  readonly neverRebind?: Quirk;
  readonly leave?: Quirk;
  readonly resetFirst?: Quirk;
  readonly driver?: string;
}

export function quirksOf(
  device: Pick<HostDevice, 'bus' | 'name' | 'driver'>,
  identities: readonly string[],
  table: readonly Quirk[] = quirks,
): QuirkEffects {
  const matched = table.filter(
    ({ match: { bus, name, identity, driver } }) =>
      bus === device.bus &&
      (!name || name.test(device.name)) &&
      (!identity || identities.some((own) => identity.test(own))) &&
      (!driver || (device.driver !== null && driver.test(device.driver))),
  );
  const first = (key: 'neverRebind' | 'leave' | 'resetFirst') => matched.find((quirk) => quirk[key]);
  const effects = {
    neverRebind: first('neverRebind'),
    leave: first('leave'),
    resetFirst: first('resetFirst'),
  };
  const driver = matched.find((quirk) => quirk.driver !== undefined)?.driver;
  return {
    matched,
    ...Object.fromEntries(Object.entries(effects).filter(([, quirk]) => quirk !== undefined)),
    ...(driver === undefined ? {} : { driver }),
  };
}
