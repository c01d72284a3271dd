import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../../src/cli/dt/analyze.js';
import { drawDot, drawSvg, type Graph } from '../../../src/cli/dt/graph/index.js';
import { BOX_HEIGHT, layOut } from '../../../src/cli/dt/graph/layout.js';
import { hasDtc } from '../../devicetree/dtc.js';
import { hostBlob } from '../../devicetree/fixtures/tegra234.js';
import { FIVE } from '../../passthrough/devices.js';
import { world } from '../world.js';

const folder = mkdtempSync(join(tmpdir(), 'gpuvm-dt-'));
const host = join(folder, 'host.dtb');
beforeAll(() => {
  if (hasDtc) writeFileSync(host, hostBlob());
});
afterAll(() => rmSync(folder, { recursive: true }));

async function analyze(options: Record<string, unknown>, json = false) {
  const surroundings = world('', { json });
  const status = await run({ args: [host], options }, surroundings.context);
  return { status, stdout: surroundings.stdout, stderr: surroundings.stderr };
}

describe.skipIf(!hasDtc)('gpuvm dt analyze', () => {
  it('tells who hangs together with host1x, with IOMMU and stream of each', async () => {
    const { status, stdout } = await analyze({ device: ['host1x'] });
    expect(status).toBe(0);
    expect(stdout).toEqual(
      expect.arrayContaining([
        'host1x@13e00000  13e00000.host1x',
        '  /bus@0/host1x@13e00000',
        '  clocks      HOST1X (46), ACTMON (1)',
        'Gone from the host with them:',
        '  vic@15340000     smmu_niso1 52 VIC      lies in host1x@13e00000',
        '  nvenc@154c0000   smmu_niso0 36 NVENC    lies in host1x@13e00000',
        'Stays on the host and misses them:',
        '  pcie-ep@141a0000  smmu_niso0 20 PCIE5  refers to host1x@13e00000 by nvidia,host1x',
        '  pcie-ep@141e0000  smmu_niso1 8 PCIE7   refers to host1x@13e00000 by nvidia,host1x',
        'Switched off on the host; switched on, it would be one of the above:',
        '  tsec@15500000     smmu_niso1 51 TSEC   lies in host1x@13e00000',
        '  pcie-ep@14160000  smmu_niso0 19 PCIE4  refers to host1x@13e00000 by nvidia,host1x',
        'Shared with what stays: no clock, reset or power domain.',
      ]),
    );
    expect(stdout.filter((line) => line.length > 120)).toEqual([]);
  });

  it('tells what is shared, by names', async () => {
    const { stdout } = await analyze({ device: FIVE });
    expect(stdout.at(-1)).toBe(
      '  clock FUSE (40), of nvdec@15480000: fuse@3810000 (clocks "fuse"), display@13800000 (clocks "fuse_clk")',
    );
    expect(stdout).toContain('  streams     smmu_niso0 127 PASSTHROUGH (by its profile)');
  });

  it('prints the same as JSON, with paths', async () => {
    const { stdout } = await analyze({ device: ['host1x'] }, true);
    const { devices, related, resources } = JSON.parse(stdout.join('\n'));
    expect(devices[0]).toMatchObject({
      host: '13e00000.host1x',
      profile: 'host1x',
      regions: [{ address: '0x13e00000', size: '0x10000' }, {}, {}],
      streams: expect.arrayContaining([
        {
          iommu: 'smmu_niso1',
          path: '/bus@0/iommu@8000000',
          id: 39,
          count: 1,
          name: 'HOST1X',
          property: 'iommus',
        },
      ]),
    });
    expect(related).toContainEqual({
      path: '/bus@0/pcie-ep@14160000',
      name: 'pcie-ep@14160000',
      relation: 'refers',
      consequence: 'none',
      enabled: false,
      to: 'host1x@13e00000',
      property: 'nvidia,host1x',
      why: 'refers to host1x@13e00000 by nvidia,host1x',
      streams: [
        {
          iommu: 'smmu_niso0',
          path: '/bus@0/iommu@12000000',
          id: 19,
          count: 1,
          name: 'PCIE4',
          property: 'iommus',
        },
      ],
    });
    expect(resources[0]).toMatchObject({ kind: 'clocks', id: 46, name: 'HOST1X', shared: false, usedBy: [] });
  });

  it('draws it, to stdout or to files', async () => {
    const { stdout } = await analyze({ device: FIVE, dot: true });
    expect(nodesAndEdges(stdout.join('\n'))).toContainEqual(['device /bus@0/gpu@17000000', 'clocks 304']);
    const [dot, svg] = ['a.dot', 'a.svg'].map((name) => join(folder, name)) as [string, string];
    expect(await analyze({ device: FIVE, dot, svg })).toMatchObject({ stdout: [], status: 0 });
    expect(readFileSync(dot, 'utf8')).toBe(`${stdout.join('\n')}\n`);
    expect(readFileSync(svg, 'utf8')).toMatch(/^<\?xml .*<svg .*FUSE.*<\/svg>\n$/s);
    await expect(analyze({ device: FIVE, svg: '/no/where.svg' })).rejects.toThrow(/cannot be saved/);
  });
});

/** Every statement of a `.dot`, by Graphviz's grammar as far as we use it. Throws where something else is there. */
function nodesAndEdges(text: string): string[][] {
  const string = String.raw`"(?:[^"\\]|\\.)*"`;
  const value = String.raw`(?:${string}|[a-zA-Z_][\w]*|-?[\d.]+)`;
  const list = String.raw`\[\w+=${value}(?:, \w+=${value})*\]`;
  const statement = new RegExp(
    String.raw`^\s*(?:(${string})(?: -> (${string}))?(?: ${list})?;|(?:node|edge) ${list};|\{ rank=same;|\}|digraph \w+ \{|(?:\w+=${value}; ?)+)$`,
  );
  const found: string[][] = [];
  let depth = 0;
  for (const line of text.trimEnd().split('\n')) {
    const match = statement.exec(line);
    if (match === null) throw new Error(`no statement: ${line}`);
    if (match[1] === undefined) depth += Number(/\{(?: |$)/.test(line)) - Number(line.trim() === '}');
    if (match[1] !== undefined)
      found.push([match[1], match[2]].flatMap((each) => (each === undefined ? [] : [JSON.parse(each)])));
  }
  if (depth !== 0) throw new Error('brackets do not match');
  return found;
}

const kinds = fc.constantFrom('device', 'gone', 'own', 'shared', 'host', 'off', 'stream' as const);
const graphs: fc.Arbitrary<Graph> = fc
  .array(
    fc.record({
      label: fc.string({ unit: 'binary', maxLength: 20 }),
      detail: fc.option(fc.string({ maxLength: 10 }), { nil: undefined }),
      kind: kinds as fc.Arbitrary<'device'>,
      column: fc.constantFrom(0 as const, 1 as const, 2 as const, 3 as const),
    }),
    { minLength: 1, maxLength: 30 },
  )
  .chain((boxes) => {
    const named = boxes.map((box, at) => ({ ...box, id: `${at} ${box.label}` }));
    const id = fc.constantFrom(...named.map((box) => box.id));
    const edge = fc.record({
      from: id,
      to: id,
      label: fc.option(fc.string(), { nil: undefined }),
      isFaint: fc.boolean(),
    });
    return fc.record({
      boxes: fc.constant(named),
      edges: fc.array(edge, { maxLength: 40 }),
    });
  });

describe('the drawing', () => {
  it("is Graphviz's language, whatever the names", () => {
    fc.assert(
      fc.property(graphs, fc.string(), (graph, title) => {
        const found = nodesAndEdges(drawDot(graph, title));
        expect(found.filter(({ length }) => length === 1)).toHaveLength(graph.boxes.length);
        expect(found.filter(({ length }) => length === 2)).toHaveLength(graph.edges.length);
      }),
    );
  });

  it('is well-formed SVG, whatever the names', () => {
    fc.assert(
      fc.property(graphs, fc.string({ unit: 'binary' }), (graph, title) => {
        const svg = drawSvg(graph, title);
        const tags = [...svg.matchAll(/<(\/?)([a-z]+)((?: [\w:]+="[^"<>&]*(?:&#\d+;[^"<>&]*)*")*)(\/?)>/g)];
        const open: string[] = [];
        for (const [, end, name, , empty] of tags) {
          if (end === '/') expect(open.pop()).toBe(name);
          else if (empty !== '/') open.push(name!);
        }
        expect(open).toEqual([]);
        // Nothing is left that looks like a tag and is none; a style sheet has neither sign.
        const rest = svg.replace(/^<\?xml[^>]*\?>/, '');
        expect(rest.match(/</g)).toHaveLength(tags.length);
        expect(rest.match(/>/g)).toHaveLength(tags.length);
        // In no place or size; a name may be anything.
        expect(rest).not.toMatch(
          / (?:[xydr]|[cr][xy]|[xy][12]|width|height|points|viewBox|transform)="[^"]*(?:NaN|undefined|Infinity)/,
        );
      }),
    );
  });

  it('has no box on another, and all of them on the page', () => {
    fc.assert(
      fc.property(graphs, (graph) => {
        const { boxes, width, height } = layOut(graph);
        const all = [...boxes.values()];
        for (const a of all) {
          expect(a.x >= 0 && a.x + a.width <= width && a.y >= 0 && a.y + BOX_HEIGHT <= height).toBe(true);
          for (const b of all)
            expect(a === b || a.column !== b.column || Math.abs(a.y - b.y) >= BOX_HEIGHT).toBe(true);
        }
      }),
    );
  });
});
