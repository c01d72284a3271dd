import { command } from './in-process.js';
import { refusal } from './opening.js';
import { isMapped, withBound } from './orin-bound.js';
import { bindByHand, group, unbindByHand } from './orin-host.js';
import { probe } from './processes.js';

const GPU = '17000000.gpu';
const VIRTIO = 'a000000.virtio_mmio';
const CARVE_OUTS = ['60000000.vm_hs_p', '80000000.vm_cma_p', '100000000.vm_cma_vram_p'];
const DCE = 'd800000.dce';

/** A region that is no whole page: by pread and pwrite. */
const notPageSized = () =>
  withBound(VIRTIO, async (device) => {
    const region = device.region(0);
    // DeviceFeaturesSel: what it selects can be read back as another word of the features.
    region.write(0x14, 4, 0);
    return {
      info: region.info,
      magic: region.read(0, 4),
      bytes: Buffer.from(region.readBytes(0, 4)).toString(),
      narrow: [region.read(0, 1), region.read(1, 1), region.read(0, 2)],
      wide: region.read(0, 8),
      isMapped: isMapped(),
      map: refusal(() => region.map()),
      end: refusal(() => region.read(0x200, 4)),
    };
  });

/** Memory that the host has set aside, all of each. */
async function carveOuts() {
  const seen: Record<string, unknown> = {};
  for (const name of CARVE_OUTS)
    seen[name] = await withBound(name, (device) => {
      const region = device.region(0);
      const mapping = region.map();
      const { sizeBytes } = mapping;
      const last = sizeBytes - 8n;
      const middle = sizeBytes / 2n;
      mapping.write(0, 8, 0x0123456789abcdefn);
      mapping.write(middle, 4, 0x600dcafe);
      mapping.write(last, 8, 0xfedcba9876543210n);
      const [buffer] = [new BigUint64Array(mapping.buffer, 0, 1)];
      return {
        sizeBytes,
        regionBytes: region.sizeBytes,
        mappable: region.info.mappable,
        first: mapping.read(0, 8),
        middle: mapping.read(middle, 4),
        last: mapping.read(last, 8),
        bytes: mapping.read(0, 1),
        buffer: buffer[0],
        region: region.read(last, 8),
        beyond: refusal(() => mapping.read(sizeBytes, 1)),
      };
    });
  return seen;
}

/** The kernel gives them to an IOMMU, too, all of each, as QEMU has it do for a guest's. */
async function carveOutsForDma() {
  const seen: Record<string, unknown> = {};
  for (const name of CARVE_OUTS) {
    bindByHand(name);
    const started = performance.now();
    seen[name] = await probe(['--map-region', group(name)!, name]);
    seen[`${name} took ms`] = Math.round(performance.now() - started);
    unbindByHand(name);
  }
  return seen;
}

/** Where nothing answers. A pread there the kernel would make itself, and it would be the kernel that gets the abort. */
const hole = () =>
  withBound(DCE, async (device) => {
    const region = device.region(0);
    const mapping = region.map({ sizeBytes: 0x1000 });
    const uses = {
      region: () => region.read(0, 4),
      wide: () => region.read(0x7ffff8, 8),
      write: () => region.write(0, 4, 1),
      mapping: () => mapping.read(0, 1),
      bytes: () => mapping.readBytes(0, 64),
    };
    const refused = Object.fromEntries(Object.entries(uses).map(([name, use]) => [name, refusal(use)]));
    device.dispose();
    // As a user looks at it; `using` has it closed a second time.
    return { refused, dump: await command('devices', 'regions', DCE, '--dump', '0', '16') };
  });

/** The command that shows regions, of a device with several. */
async function regionsShown() {
  bindByHand(GPU);
  try {
    return {
      table: await command('devices', 'regions', GPU),
      dump: await command('devices', 'regions', GPU, '--dump', '0', '4'),
      second: await command('devices', 'regions', GPU, '--region', 'region1', '--dump', '0', '16'),
    };
  } finally {
    unbindByHand(GPU);
  }
}

export const regionCases = { notPageSized, carveOuts, carveOutsForDma, hole, regionsShown };
