import { writeFile } from 'node:fs/promises';
import { type Browser, chromium, type Page } from 'playwright-core';
import { smallPng } from './small-png.js';

/** Debian's headless Chromium, as scripts/setup installs it. */
const PROGRAM = 'chromium-headless-shell';

/** Calls `use` with a browser, which is gone afterwards. */
export async function withBrowser<Result>(use: (browser: Browser) => Promise<Result>): Promise<Result> {
  const browser = await chromium.launch({ executablePath: await pathOf(PROGRAM), args: ['--no-sandbox'] });
  try {
    return await use(browser);
  } finally {
    await browser.close();
  }
}

async function pathOf(program: string): Promise<string> {
  const { access, constants } = await import('node:fs/promises');
  for (const folder of (process.env.PATH ?? '').split(':')) {
    const path = `${folder}/${program}`;
    if (
      await access(path, constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return path;
  }
  throw new Error(`there is no ${program}: run scripts/setup`);
}

/** A page's body as a PNG of few colours. Returns its size in bytes. */
export async function photograph(
  page: Page,
  file: string,
  options: { fullPage?: boolean } = {},
): Promise<number> {
  const picture =
    options.fullPage === undefined ? await page.locator('body').screenshot() : await page.screenshot(options);
  const bytes = smallPng(picture);
  await writeFile(file, bytes);
  return bytes.length;
}
