import { isEnabled } from '../../../devicetree/index.js';
import {
  type Analysis,
  type AnalyzedResource,
  type Related,
  shortNameOf,
} from '../../../passthrough/index.js';
import type { StreamTexts } from '../stream-text.js';

/** What a box stands for. */
export type BoxKind =
  | 'device'
  | 'along'
  | 'gone'
  | 'own'
  | 'shared'
  | 'link'
  | 'stream'
  | 'memory'
  | 'host'
  | 'off';

/** Left to right: what goes with the devices, the devices, what they use, who of the host does too or misses them. */
export type Column = 0 | 1 | 2 | 3;

export interface GraphBox {
  readonly id: string;
  readonly label: string;
  readonly detail: string | undefined;
  readonly kind: BoxKind;
  readonly column: Column;
}

export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  readonly label: string | undefined;
  /** Of a node that is switched off. */
  readonly isFaint: boolean;
}

export interface Graph {
  readonly boxes: readonly GraphBox[];
  readonly edges: readonly GraphEdge[];
}

/** The analysis as a graph, without what is only of the devices' own inside. */
export function graphOf({ devices, related, resources }: Analysis, streams: StreamTexts): Graph {
  const graph = new Builder();
  const ids = new Map<string, string>();
  for (const { device, isAsked } of devices) {
    const id = `device ${device.node?.path ?? device.name}`;
    ids.set(device.name, id);
    graph.box({
      id,
      label: device.name,
      detail: device.node ? undefined : 'not in this tree',
      kind: isAsked ? 'device' : 'along',
      column: 1,
    });
  }
  for (const { device, streams: own, memory } of devices) {
    const id = ids.get(device.name)!;
    for (const text of streams.merged(own))
      graph.edge(id, graph.box({ id: `stream ${text}`, label: text, kind: 'stream', column: 2 }));
    for (const { node, usedBy } of memory) {
      const region = graph.box({ id: `memory ${node.path}`, label: node.name, kind: 'memory', column: 2 });
      graph.edge(id, region);
      for (const name of usedBy) graph.edge(region, graph.box({ ...hostBox(name), kind: 'host' }));
    }
  }
  for (const resource of resources) addResource(graph, resource, ids);
  for (const each of related) addRelated(graph, each, ids, streams);
  return graph;
}

function addResource(graph: Builder, resource: AnalyzedResource, ids: ReadonlyMap<string, string>): void {
  const { kind, id, name, uses, users, isShared } = resource;
  const noun = { clocks: 'clock', resets: 'reset', powerDomains: 'domain' }[kind];
  const box = graph.box({
    id: `${kind} ${id}`,
    label: `${noun} ${name}`,
    detail: String(id),
    kind: isShared ? 'shared' : 'own',
    column: 2,
  });
  for (const { device } of uses) {
    const from = ids.get(device);
    if (from !== undefined) graph.edge(from, box);
  }
  for (const user of users)
    graph.edge(
      box,
      graph.box({ ...hostBox(user.name), kind: user.isEnabled ? 'host' : 'off' }),
      user.property,
      !user.isEnabled,
    );
}

function addRelated(
  graph: Builder,
  { node, relation, consequence, to, property }: Related,
  ids: ReadonlyMap<string, string>,
  streams: StreamTexts,
): void {
  const device = ids.get(to);
  const name = shortNameOf(node);
  // One that goes along has a box as a device.
  const own = ids.get(node.name);
  if (device === undefined) return;
  if (own !== undefined) {
    if (own !== device) graph.edge(own, device, relation, false);
    return;
  }
  const isFaint = !isEnabled(node);
  if (relation === 'refers' || relation === 'console') {
    const link = graph.box({
      id: `link ${device} ${property}`,
      label: property ?? relation,
      detail: `to ${to}`,
      kind: 'link',
      column: 2,
    });
    graph.edge(device, link);
    const box = hostBox(name);
    graph.edge(
      link,
      graph.box({
        ...box,
        detail: streams.ofNode(node) || undefined,
        kind: consequence === 'breaks' ? 'host' : 'off',
      }),
      undefined,
      isFaint,
    );
    return;
  }
  const box = graph.box({
    id: `with ${node.path}`,
    label: name,
    detail: streams.ofNode(node) || undefined,
    kind: consequence === 'none' ? 'off' : 'gone',
    column: 0,
  });
  graph.edge(box, device, relation, isFaint);
}

function hostBox(name: string): { id: string; label: string; column: Column } {
  return { id: `host ${name}`, label: name, column: 3 };
}

/** Each box and each edge once. */
class Builder implements Graph {
  readonly #boxes = new Map<string, GraphBox>();
  readonly #edges = new Map<string, GraphEdge>();

  get boxes(): GraphBox[] {
    return [...this.#boxes.values()];
  }

  get edges(): GraphEdge[] {
    return [...this.#edges.values()];
  }

  box(box: Omit<GraphBox, 'detail'> & { readonly detail?: string | undefined }): string {
    const known = this.#boxes.get(box.id);
    this.#boxes.set(box.id, { ...box, detail: known?.detail ?? box.detail });
    return box.id;
  }

  edge(from: string, to: string, label?: string, isFaint = false): void {
    const key = `${from}\n${to}`;
    if (!this.#edges.has(key)) this.#edges.set(key, { from, to, label, isFaint });
  }
}
