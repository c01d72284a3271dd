import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Page } from 'playwright-core';
import type { TransferRecord } from '../../../src/bpmp/capture/index.js';
import { writeReport } from '../../../src/report/index.js';
import { photograph, withBrowser } from './chromium.js';

interface Picture {
  readonly name: string;
  readonly colorScheme: 'light' | 'dark';
  /** What a reader would do before. */
  prepare(page: Page): Promise<void>;
}

const pictures: readonly Picture[] = [
  {
    name: 'report-light',
    colorScheme: 'light',
    async prepare(page) {
      const box = (await page.locator('.lanes canvas').boundingBox())!;
      await page.mouse.move(box.x + box.width * 0.35, box.y + 40);
      for (let step = 0; step < 2; step++) await page.mouse.wheel(0, -700);
      await page.mouse.move(5, 5);
      await page.keyboard.press('n');
    },
  },
  {
    name: 'report-dark',
    colorScheme: 'dark',
    async prepare(page) {
      await page.getByRole('tab', { name: 'Latencies' }).click();
    },
  },
];

/** Pictures of the page on these transfers, as `<folder>/report-….png`. Answers their sizes in bytes. */
export async function photographReport(
  transfers: AsyncIterable<readonly TransferRecord[]>,
  folder: string,
  options: { title: string; source: string; fixOf?: (mrq: number, tx: Uint8Array) => string | undefined },
): Promise<Record<string, number>> {
  const work = await mkdtemp(join(tmpdir(), 'gpuvm-pictures-'));
  try {
    const path = join(work, 'report.html');
    await writeReport(path, transfers, { version: '', ...options });
    return await withBrowser(async (browser) => {
      const sizes: Record<string, number> = {};
      for (const { name, colorScheme, prepare } of pictures) {
        const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, colorScheme });
        await page.goto(pathToFileURL(path).href);
        await page.waitForSelector('body[data-ready]');
        await prepare(page);
        await page.waitForTimeout(300);
        sizes[name] = await photograph(page, join(folder, `${name}.png`), { fullPage: false });
        await page.close();
      }
      return sizes;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
