import { describe, expect, it } from 'vitest';
import { expose, type Family, formatFor } from '../../src/metrics/index.js';

const odd: Family = {
  name: 'odd_total',
  type: 'counter',
  help: 'A "help" with \\ and\na line.',
  labels: ['vm'],
  samples: [
    { labels: { vm: 'a "b" \\ \n c' }, value: 3 },
    { labels: {}, value: Number.POSITIVE_INFINITY },
  ],
};
const waits: Family = {
  name: 'wait_seconds',
  type: 'histogram',
  help: 'Waits.',
  labels: [],
  histograms: [{ labels: { vm: 'x' }, bounds: [5.12e-7, 0.5], counts: [1, 4], count: 5, sum: 1.5 }],
};
const none: Family = { name: 'none', type: 'gauge', help: 'Nothing.', labels: [], samples: [] };

describe('an exposition', () => {
  it('in the text format', () => {
    const { contentType, body } = expose([odd, waits, none], 'prometheus');
    expect(contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(body).toBe(`# HELP odd_total A "help" with \\\\ and\\na line.
# TYPE odd_total counter
odd_total{vm="a \\"b\\" \\\\ \\n c"} 3
odd_total +Inf
# HELP wait_seconds Waits.
# TYPE wait_seconds histogram
wait_seconds_bucket{vm="x",le="5.12e-7"} 1
wait_seconds_bucket{vm="x",le="0.5"} 4
wait_seconds_bucket{vm="x",le="+Inf"} 5
wait_seconds_sum{vm="x"} 1.5
wait_seconds_count{vm="x"} 5
`);
  });

  it('in OpenMetrics: a counter without _total in its name, and an end', () => {
    const { contentType, body } = expose([odd], 'openmetrics');
    expect(contentType).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
    expect(body).toContain('# TYPE odd counter\nodd_total{');
    expect(body).toMatch(/\n# EOF\n$/);
  });
});

describe('an Accept header', () => {
  it.each([
    [undefined, 'prometheus'],
    ['*/*', 'prometheus'],
    ['text/plain;version=0.0.4', 'prometheus'],
    [
      'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
      'openmetrics',
    ],
    ['application/openmetrics-text;version=1.0.0;q=0.2,text/plain;q=0.5', 'prometheus'],
    ['application/openmetrics-text;version=2.0.0', 'prometheus'],
    ['application/openmetrics-text;q=0', 'prometheus'],
    ['application/openmetrics-text; q=nonsense', 'prometheus'],
    [`${','.repeat(100_000)}`, 'prometheus'],
  ])('%s', (accept, format) => {
    expect(formatFor(accept)).toBe(format);
  });
});
