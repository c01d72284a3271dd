import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TransferRecord } from '../../src/bpmp/capture/index.js';
import { writeReport } from '../../src/report/index.js';
import { batches, request, workload } from '../report/transfers.js';
import { hasBrowser, launchBrowser } from '../support/browser.js';

const folder = mkdtempSync(join(tmpdir(), 'gpuvm-report-'));
let browser: Browser | undefined;

afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Opened {
  readonly page: Page;
  /** What the page asked for besides itself, and what went wrong in it. */
  readonly faults: string[];
}

async function write(name: string, records: Iterable<TransferRecord>, more: object = {}): Promise<string> {
  const path = join(folder, `${name}.html`);
  await writeReport(path, batches(records), {
    title: `Report ${name}`,
    source: 'made',
    version: '0',
    ...more,
  });
  return path;
}

async function open(path: string, options: Parameters<Browser['newPage']>[0] = {}): Promise<Opened> {
  const page = await browser!.newPage({ viewport: { width: 1280, height: 720 }, ...options });
  const faults: string[] = [];
  const url = pathToFileURL(path).href;
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') faults.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
  page.on('request', (asked) => {
    if (asked.url() !== url && !asked.url().startsWith('data:')) faults.push(`request: ${asked.url()}`);
  });
  page.on('dialog', (dialog) => {
    faults.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.goto(url);
  await page.waitForSelector('body[data-ready]', { timeout: 60_000 });
  return { page, faults };
}

const note = (page: Page) => page.locator('.table-note').textContent();
const lines = (page: Page) => page.locator('.line:visible').allTextContents();
/** How many different colours a canvas shows. */
const colours = (page: Page, canvas: string) =>
  page.evaluate<number>(`(() => {
    const { width, height, context = document.querySelector('${canvas}').getContext('2d') } = document.querySelector('${canvas}');
    const pixels = new Uint32Array(context.getImageData(0, 0, width, height).data.buffer);
    return new Set(pixels).size;
  })()`);

describe.skipIf(!hasBrowser())("a report's page in a browser", () => {
  let large: string;

  beforeAll(async () => {
    browser = await launchBrowser();
    large = await write('large', workload(100_000));
  });

  it('shows 100,000 transfers: it paints, and asks for nothing', async () => {
    const { page, faults } = await open(large);
    const painted = await page.evaluate("performance.getEntriesByType('paint').map(({ name }) => name)");
    expect(painted).toContain('first-contentful-paint');
    expect(await note(page)).toBe('100,000 of 100,000 transfers');
    expect(await page.locator('h1').textContent()).toBe('Report large');
    for (const canvas of ['canvas.overview', 'canvas.latency', '.lanes canvas'])
      expect(await colours(page, canvas), canvas).toBeGreaterThan(4);
    expect((await lines(page)).length).toBeLessThan(40);
    await page.close();
    expect(faults).toEqual([]);
  });

  it('zooms by wheel, drag and keys, and the list follows', async () => {
    const { page, faults } = await open(large);
    const many = async () => Number((await note(page))!.split(' of ')[0]!.replaceAll(',', ''));
    const box = (await page.locator('.lanes canvas').boundingBox())!;
    await page.mouse.move(box.x + box.width / 2, box.y + 60);
    await page.mouse.wheel(0, -600);
    await expect.poll(many).toBeLessThan(60_000);
    const afterWheel = await many();
    await page.mouse.down();
    await page.mouse.move(box.x + box.width / 2 + 200, box.y + 60, { steps: 4 });
    await page.mouse.up();
    await expect.poll(many).toBeLessThan(afterWheel / 2);
    const afterDrag = await many();
    await page.keyboard.press('+');
    await expect.poll(many).toBeLessThan(afterDrag);
    await page.keyboard.press('0');
    await expect.poll(many).toBe(100_000);
    await page.locator('canvas.overview').hover({ position: { x: 100, y: 20 } });
    await page.mouse.down();
    await page.mouse.move(box.x + 300, box.y - 100, { steps: 4 });
    await page.mouse.up();
    await expect.poll(many).toBeLessThan(40_000);
    await page.close();
    expect(faults).toEqual([]);
  });

  it('goes from refusal to refusal, and tells everything of the one that is chosen', async () => {
    const { page, faults } = await open(large);
    await page.keyboard.press('n');
    const details = page.locator('.details');
    await expect.poll(() => details.locator('.verdict').textContent()).toMatch(/deny|malformed|allow/);
    const first = await details.textContent();
    await page.keyboard.press('n');
    await expect.poll(() => details.textContent()).not.toBe(first);
    await page.fill('#filter', 'SET_RATE EMC');
    await expect.poll(() => note(page)).toMatch(/^\d+ of /);
    await page.locator('.line').first().click();
    const text = await details.textContent();
    expect(text).toContain('CLK SET_RATE EMC 408 MHz');
    expect(text).toContain('built-in: not granted');
    expect(text).toContain('-1 EPERM');
    expect(text).toMatch(/bpmp\.clk\.rate_hz\s*408 MHz/);
    expect(text).toContain('1f 00 00 02');
    const before = await details.locator('.links').textContent();
    await details.getByRole('button', { name: 'next' }).click();
    await expect.poll(() => details.locator('.links').textContent()).not.toBe(before);
    await page.close();
    expect(faults).toEqual([]);
  });

  it('takes the filters of the command line, and shows where a mistake is', async () => {
    const { page, faults } = await open(large);
    await page.fill('#filter', 'bpmp.clk.name == "GPUSYS" && bpmp.cmd.name matches r"^(EN|DIS)ABLE$"');
    await expect.poll(() => note(page)).toMatch(/^2,\d\d\d of /);
    expect(new Set((await lines(page)).map((line) => line.match(/CLK (EN|DIS)ABLE GPUSYS/)?.[0]))).toEqual(
      new Set(['CLK ENABLE GPUSYS', 'CLK DISABLE GPUSYS']),
    );
    await page.fill('#filter', 'bpmp.rx contains 80:91:b7:36');
    await expect.poll(() => note(page)).toMatch(/^\d\d,\d\d\d of /);
    await page.fill('#filter', 'bpmp.clk.nam == "GPUSYS"');
    await expect.poll(() => page.locator('.mistake').textContent()).toMatch(/\^~+\n.*bpmp\.clk\.name/s);
    await page.getByRole('button', { name: 'refused', exact: true }).click();
    await expect.poll(() => page.locator('.mistake').isVisible()).toBe(false);
    await expect.poll(() => note(page)).toMatch(/^433 of /);
    await page.locator('.details').waitFor();
    await page.locator('.line').first().click();
    await page.getByRole('button', { name: /only transfers with this bpmp.mrq.name/ }).click();
    await expect.poll(() => note(page)).not.toMatch(/^433 of /);
    await page.close();
    expect(faults).toEqual([]);
  });

  it('scrolls to the end of the list, and sorts it', async () => {
    const { page, faults } = await open(large);
    await page.locator('.table').focus();
    await page.keyboard.press('End');
    await expect.poll(() => page.locator('.line.selected').textContent()).toBeTruthy();
    await expect.poll(() => page.locator('.details').textContent()).toMatch(/sequence\s*99999/);
    await page.getByRole('button', { name: 'Latency', exact: true }).click();
    await expect.poll(async () => (await lines(page))[0]).toMatch(/\d ms/);
    await page.close();
    expect(faults).toEqual([]);
  });

  it('takes names and rules for text, whatever they are', async () => {
    const nasty = `</script><img src=x onerror="alert(1)"><script>alert(2)</script>`;
    const record = {
      sequence: 0,
      vm: nasty,
      timeNs: 1n,
      ...request('DEBUG', 'OPEN_RO', { name: nasty }),
      verdict: 'deny',
      rule: nasty,
      ret: -1,
      rx: new Uint8Array(),
      latencyNs: 5,
    } as const;
    const unknown = {
      ...record,
      sequence: 1,
      vm: 'b',
      timeNs: 2n,
      mrq: 0xffff_ffff,
      tx: new Uint8Array(600),
    };
    const path = await write(
      'hostile',
      [record, unknown, { ...record, sequence: 9, timeNs: 2n ** 64n - 1n }],
      {
        title: nasty,
        source: nasty,
        filter: nasty,
        fixOf: () => nasty,
        memoryMap: `<svg xmlns="http://www.w3.org/2000/svg" onload="alert(3)"><script>alert(4)</script></svg>`,
        notices: () => [nasty],
      },
    );
    const { page, faults } = await open(path);
    expect(await page.title()).toBe(nasty);
    await page.keyboard.press('n');
    for (const tab of ['Refused (3)', 'Latencies', 'Memory map'])
      await page.getByRole('tab', { name: tab }).click();
    await page.locator('.lanes canvas').hover({ position: { x: 3, y: 10 } });
    expect(await page.locator('.details').textContent()).toContain(nasty);
    expect(await page.locator('img[src="x"]').count()).toBe(0);
    expect(await page.locator('body script:not([id])').count()).toBe(1);
    await page.close();
    expect(faults).toEqual([]);
  });

  it('is light or dark as the reader has it', async () => {
    const back = async (colorScheme: 'light' | 'dark') => {
      const { page, faults } = await open(large, { colorScheme });
      const colour = await page.evaluate('getComputedStyle(document.body).backgroundColor');
      await page.close();
      expect(faults).toEqual([]);
      return colour;
    };
    expect(await back('light')).toBe('rgb(255, 255, 255)');
    expect(await back('dark')).toBe('rgb(17, 22, 28)');
  });

  it('says that a capture was empty, and what is left out of a large one', async () => {
    const empty = await open(await write('empty', []));
    expect(await note(empty.page)).toContain('No transfer here');
    await empty.page.close();
    const thinned = await open(await write('thinned', workload(30_000), { limit: 3000 }));
    expect(await thinned.page.locator('.notices').textContent()).toContain(
      'of 30,000 transfers are here one by one',
    );
    await thinned.page.close();
    expect([...empty.faults, ...thinned.faults]).toEqual([]);
  });
});
