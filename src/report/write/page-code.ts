import { readFile } from 'node:fs/promises';

export interface PageCode {
  readonly script: string;
  readonly style: string;
}

/** The page's program and its look: made at build time, or now where this runs from its sources. */
export async function pageCode(): Promise<PageCode> {
  const source = import.meta.url.endsWith('.ts');
  if (source) {
    // Not to be found by a bundler: only a checkout has it.
    const bundler = new URL('../../../scripts/lib/bundle-page.mjs', import.meta.url).href;
    const { bundlePage } = (await import(bundler)) as { bundlePage(): Promise<PageCode> };
    return bundlePage();
  }
  // From dist/report/write/page-code.js, and from dist/cli/main.bundle.cjs.
  const folder = import.meta.url.includes('/report/write/') ? '../' : '../report/';
  const [script, style] = await Promise.all(
    ['page.js', 'page.css'].map((name) => readFile(new URL(`${folder}${name}`, import.meta.url), 'utf8')),
  );
  return { script: script!, style: style! };
}
