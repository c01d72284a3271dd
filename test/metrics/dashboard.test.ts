import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { catalogue } from '../../src/metrics/index.js';

interface Target {
  readonly expr: string;
  readonly refId: string;
  readonly datasource: { readonly type: string; readonly uid: string };
}
interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly Target[];
  readonly fieldConfig?: { readonly defaults: object; readonly overrides: readonly unknown[] };
}

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const text = read('examples/grafana/gpuvm.json');
const dashboard = JSON.parse(text) as {
  readonly title: string;
  readonly uid: string;
  readonly id: null;
  readonly schemaVersion: number;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly type: string }[] };
};
const panels = dashboard.panels.filter(({ type }) => type !== 'row');
const expressions = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

/** A metric by one of its series' names. */
function metricOf(series: string) {
  return catalogue[series] ?? catalogue[series.replace(/_(bucket|sum|count)$/, '')];
}

describe('the Grafana dashboard', () => {
  it('has what Grafana takes: ids and places of their own, no data source of its maker', () => {
    expect(dashboard).toMatchObject({ id: null, uid: 'gpuvm', title: 'gpuvm', schemaVersion: 38 });
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    for (const [i, { gridPos: a, title }] of dashboard.panels.entries()) {
      expect([title, a.x >= 0 && a.w > 0 && a.h > 0 && a.x + a.w <= 24]).toEqual([title, true]);
      for (const { gridPos: b, title: other } of dashboard.panels.slice(i + 1)) {
        const apart = a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;
        expect([title, other, apart]).toEqual([title, other, true]);
      }
    }
    for (const { title, description, targets = [], fieldConfig } of panels) {
      expect([title, description !== undefined, targets.length > 0]).toEqual([title, true, true]);
      expect(fieldConfig?.overrides).toEqual([]);
      expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
      for (const { datasource } of targets) {
        expect(datasource.type).toBe('prometheus');
        expect(datasource.uid).toMatch(/^\$\{datasource\}$/);
      }
    }
    expect(dashboard.templating.list.map(({ name, type }) => [name, type])).toEqual([
      ['datasource', 'datasource'],
      ['vm', 'query'],
    ]);
  });

  it('asks for nothing that is not told, with labels that there are, and shows all that is', () => {
    const used = new Set<string>();
    for (const expr of expressions) {
      for (const [, series, braces = ''] of expr.matchAll(/\b((?:gpuvm|process)_\w+)(?:\{([^}]*)\})?/g)) {
        const metric = metricOf(series!);
        expect([expr, metric?.name]).toEqual([expr, expect.any(String)]);
        used.add(metric!.name);
        const known = [...metric!.labels, ...(series!.endsWith('_bucket') ? ['le'] : [])];
        for (const [, label] of braces.matchAll(/(\w+)\s*[=!]/g))
          expect([expr, known]).toEqual([expr, expect.arrayContaining([label])]);
        if (metric!.type === 'counter' || metric!.type === 'histogram')
          expect(expr).toMatch(/rate\(|increase\(/);
      }
    }
    expect([...used].sort()).toEqual(Object.keys(catalogue).sort());
  });

  it('keeps to the VMs that are chosen', () => {
    for (const expr of expressions) expect(expr).toContain('vm=~"$vm"');
  });
});

describe('the names of metrics', () => {
  it('keep to the conventions', () => {
    for (const { name, type, help } of Object.values(catalogue)) {
      expect(name).toMatch(/^(gpuvm|process)_[a-z0-9]+(_[a-z0-9]+)*$/);
      expect([name, name.endsWith('_total')]).toEqual([name, type === 'counter']);
      expect(name).not.toMatch(/_(ms|ns|milliseconds|nanoseconds|kib|mib|percent|count|sum|bucket)(_|$)/);
      if (type === 'histogram') expect(name).toMatch(/_seconds$/);
      expect(help).toMatch(/[.;]$|"other"\.$/);
    }
  });

  it('are all in docs/metrics.md, with their labels and meaning', () => {
    const page = read('docs/metrics.md');
    const rows = [...page.matchAll(/^\| `((?:gpuvm|process)_\w+)` \| (\w+) \| (.*?) \| (.*) \|$/gm)].map(
      (row) => row.slice(1),
    );
    expect(rows).toEqual(
      Object.values(catalogue).map(({ name, type, labels, help }) => [
        name,
        type,
        labels.map((label) => `\`${label}\``).join(', '),
        help,
      ]),
    );
  });
});
