import { writeFile } from 'node:fs/promises';
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
} from '../../passthrough/index.js';
import type { Call } from '../command.js';
import type { Context } from '../context.js';
import { askingParents } from './ask-parents.js';
import { readTree } from './read-tree.js';
import { readSelection } from './selection.js';

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
    if (output !== undefined) await save(output, made);
    if (apply !== undefined) await save(apply, writeTree(overlay.applied));
  }
  const { devices, findings } = overlay;
  if (json) {
    stdout.json({ ok: !fails, devices, findings, ...(output !== undefined && { output }) });
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
  const config = await loadVmFile(file);
  const tree = await readTree(host);
  const profiles = await chooseProfiles(config.deviceTree.profiles);
  const { name, platformDevices: devices } = config;
  if (devices.length === 0)
    throw new GpuvmError(
      'GPUVM_USAGE',
      `${file} has no platformDevices, so the host needs no overlay for it`,
    );
  return makeHostOverlay({
    tree,
    from: host,
    vm: name,
    devices,
    profiles,
    allowList: await listFor(host, file, bpmp),
  });
}

/** What the VM's devices need, with the clocks above: a guest that may not enable those enables none of its own. */
async function listFor(host: string, file: string, bpmp: string): Promise<AllowList | undefined> {
  const { tree, devices } = await readSelection({ args: [host], options: { vm: file } });
  const list = allowListOf(tree, devices);
  if (list.clocks.length + list.resets.length + list.powerDomains.length === 0) return undefined;
  return askingParents(bpmp, (ask) => closeOverParents(list, ask));
}

async function save(path: string, made: string | Uint8Array): Promise<void> {
  try {
    await writeFile(path, made);
  } catch (cause) {
    throw new GpuvmError('GPUVM_FILE', `${path} cannot be saved: ${(cause as Error).message}`, { cause });
  }
}
