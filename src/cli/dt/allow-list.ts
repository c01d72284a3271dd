import { readFile } from 'node:fs/promises';
import { loadPolicy } from '../../bpmp/policy/index.js';
import {
  findLabel,
  findNode,
  parseTree,
  readCells,
  type Tree,
  type TreeNode,
  walk,
} from '../../devicetree/index.js';
import { GpuvmError } from '../../errors.js';
import {
  type AllowList,
  allowedSource,
  allowListOf,
  closeOverParents,
  compareAllowed,
  isEqual,
  type Present,
  policyText,
  presentInNode,
  presentInPolicy,
  type SelectedDevice,
} from '../../passthrough/index.js';
import type { Call } from '../command.js';
import type { Context } from '../context.js';
import { comparisonJson, comparisonLines } from './comparison-text.js';
import { readSelection, type Selection } from './selection.js';

/** What `--compare` ends with where there is a difference, as diff does. */
const DIFFERENT = 1;

export async function run(call: Call, { stdout, stderr, json }: Context): Promise<number> {
  const { options } = call;
  const selection = await readSelection(call);
  const list = await makeList(selection, options.bpmp);
  if (options.compare !== undefined) {
    const present = await readPresent(String(options.compare), selection.tree);
    const comparison = compareAllowed(list, present);
    const equal = isEqual(comparison);
    if (json) stdout.json({ compared: present.from, equal, ...comparisonJson(comparison) });
    else for (const line of comparisonLines(comparison, present.from)) stdout.line(line);
    return equal ? 0 : DIFFERENT;
  }
  for (const { name } of list.devices.filter((device) => needsNothing(list, device.name)))
    stderr.line(
      `gpuvm: ${name}: neither the host's tree nor a profile says that it uses clocks, resets or domains`,
    );
  for (const { name, node } of list.devices.filter(asksMore))
    stderr.line(
      `gpuvm: warning: ${name}: its driver asks the firmware for more than clocks, resets and domains (nvidia,bpmp of ${node!.path}): see "mrqs" in docs/policy.md`,
    );
  if (json) stdout.json(listJson(list));
  else stdout.write(options.properties === true ? allowedSource(list) : policyText(list, selection.from));
  return 0;
}

async function makeList({ tree, devices }: Selection, bpmp: unknown): Promise<AllowList> {
  const list = allowListOf(tree, devices);
  if (bpmp === undefined) return list;
  const { askingParents } = await import('./ask-parents.js');
  return askingParents(String(bpmp), (ask) => closeOverParents(list, ask));
}

function needsNothing({ clocks, resets, powerDomains }: AllowList, name: string): boolean {
  return ![...clocks, ...resets, ...powerDomains].some(({ devices }) => devices.includes(name));
}

/** A reference to the BPMP that says which of something: a PCIe controller's lanes, for one. */
function asksMore({ node }: SelectedDevice): boolean {
  return (readCells(node?.get('nvidia,bpmp'))?.length ?? 0) > 1;
}

function listJson({ devices, isClosed, clocks, resets, powerDomains }: AllowList) {
  return {
    devices: devices.map(({ name, host, node }) => ({ name, host, path: node?.path ?? null })),
    parents: isClosed,
    clocks,
    resets,
    powerDomains,
  };
}

/** A policy's file, the blob of an overlay or tree that has the host driver's node, or a node of the host's tree. */
async function readPresent(what: string, tree: Tree): Promise<Present> {
  const node = findNode(tree, what) ?? findLabel(tree, what) ?? named(tree, what);
  if (node) return presentInNode(requireLists(node, what));
  const bytes = await readFile(what).catch((cause: NodeJS.ErrnoException) => {
    throw new GpuvmError(
      'GPUVM_FILE',
      `${what} is no node of the host's tree, and no file that can be read: ${cause.code}`,
      { cause },
    );
  });
  if (!isBlob(bytes)) return presentInPolicy(await loadPolicy(what));
  const nodes = [...walk(parseTree(bytes, { file: what }).root)];
  const proxy = nodes.find(hasLists);
  if (proxy) return { ...presentInNode(proxy), from: `${what}: ${proxy.path}` };
  throw new GpuvmError('GPUVM_USAGE', `${what} has no node with allowed-clocks, -resets or -power-domains`);
}

function requireLists(node: TreeNode, what: string): TreeNode {
  if (hasLists(node)) return node;
  throw new GpuvmError('GPUVM_USAGE', `${what} has no allowed-clocks, -resets or -power-domains`);
}

const hasLists = (node: TreeNode) => [...node.properties.keys()].some((name) => /^allowed-/.test(name));
const named = ({ root }: Tree, name: string) => [...walk(root)].find((node) => node.name === name);
const isBlob = (bytes: Uint8Array) => bytes.length >= 4 && Buffer.from(bytes).readUInt32BE(0) === 0xd00d_feed;
