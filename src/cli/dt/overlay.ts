import { loadVmFile } from '../../config/index.js';
import { writeTree } from '../../devicetree/index.js';
import { ExitStatus, GpuvmError } from '../../errors.js';
import {
  type AllowList,
  allowListOf,
  chooseProfiles,
  closeOverParents,
  type HostOverlay,
  makeHostOverlay,
  resourceKinds,
  selectDevices,
} from '../../passthrough/index.js';
import type { Call } from '../command.js';
import type { Context } from '../context.js';
import { askingParents } from './ask-parents.js';
import { readTree } from './read-tree.js';
import { saveWhole } from './save.js';

/** The overlay on stdout or in a file; what is to be known of it on stderr. One that would not work is not written. */
export async function run({ args: [host, file], options }: Call, context: Context): Promise<number> {
  const { stdout, stderr, json } = context;
  const text = (name: string) => (options[name] === undefined ? undefined : String(options[name]));
  const [output, apply] = [text('output'), text('apply')];
  const overlay = await overlayFor(host!, file!, text('bpmp') ?? 'simulated');
  const fails = overlay.findings.some(({ status }) => status === 'fail');
  const isSource = options.dts === true || (output !== undefined && /\.dts$/.test(output));
  const made = isSource ? overlay.source : overlay.blob;
  if (!fails) {
    if (output !== undefined) await saveWhole(output, Buffer.from(made));
    if (apply !== undefined) await saveWhole(apply, writeTree(overlay.applied));
  }
  const { devices, findings } = overlay;
  if (json) {
    stdout.json({ ok: !fails, devices, findings, ...(output !== undefined && !fails && { output }) });
    return fails ? ExitStatus.UNAVAILABLE : 0;
  }
  for (const { status, what, fix } of findings)
    stderr.line(
      `gpuvm: ${status === 'warn' ? 'warning: ' : ''}${what}${fix === undefined ? '' : `: ${fix}`}`,
    );
  if (fails) return ExitStatus.UNAVAILABLE;
  if (output === undefined && apply === undefined) {
    if (!isSource && stdout.stream.isTTY)
      throw new GpuvmError(
        'GPUVM_USAGE',
        'a blob is nothing for a terminal: give -o FILE, or --dts for its source',
      );
    stdout.write(made);
  }
  return 0;
}

async function overlayFor(host: string, file: string, bpmp: string): Promise<HostOverlay> {
  const { name: vm, platformDevices: devices, deviceTree } = await loadVmFile(file);
  if (devices.length === 0)
    throw new GpuvmError(
      'GPUVM_USAGE',
      `${file} has no platformDevices, so the host needs no overlay for it`,
    );
  const [tree, profiles] = await Promise.all([readTree(host), chooseProfiles(deviceTree.profiles)]);
  const wanted = devices.map(({ host, mmioBase }) => ({ name: host, isCarveOut: mmioBase !== undefined }));
  const list = allowListOf(tree, selectDevices(tree, wanted, profiles));
  const allowList = await withParents(list, bpmp);
  return makeHostOverlay({ tree, from: host, vm, devices, profiles, allowList });
}

/** With the clocks above: a guest that may not enable those enables none of its own. Undefined where it needs nothing. */
async function withParents(list: AllowList, bpmp: string): Promise<AllowList | undefined> {
  if (resourceKinds.every((kind) => list[kind].length === 0)) return undefined;
  return askingParents(bpmp, (ask) => closeOverParents(list, ask));
}
