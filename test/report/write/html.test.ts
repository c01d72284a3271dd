import { describe, expect, it } from 'vitest';
import { Collector } from '../../../src/report/collect/collect.js';
import { escapeHtml, pageHead, scriptJson } from '../../../src/report/write/html.js';
import { workload } from '../transfers.js';

const nasty = '</script><img src=x onerror=alert(1)>"\'&<!--\u2028';

describe('a page', () => {
  it('has texts in JSON from which nothing ends the element that they are in', () => {
    const text = scriptJson({ name: nasty });
    expect(text).not.toMatch(/[<>&\u2028]/);
    expect(JSON.parse(text)).toEqual({ name: nasty });
  });

  it('has texts in HTML that are no markup', () => {
    expect(escapeHtml(nasty)).not.toMatch(/[<>"']/);
  });

  it('allows its own script and style alone, and asks for nothing from anywhere', () => {
    const collector = new Collector(1000);
    for (const record of workload(10, nasty)) collector.add(record);
    const summary = {
      ...collector.finish().found,
      title: nasty,
      source: nasty,
      version: '1.2.3',
      madeAt: '2026-01-01T00:00:00Z',
      notices: [nasty],
    };
    const head = pageHead(summary, { script: 'run()', style: 'a{}' });
    expect(head).not.toContain('<img');
    expect(head.match(/<script/g)).toHaveLength(2);
    expect(head).toMatch(
      /Content-Security-Policy" content="default-src 'none'; script-src 'sha256-[\w+/=]{44}'; style-src 'sha256-/,
    );
    expect(head).not.toMatch(/https?:/);
  });
});
