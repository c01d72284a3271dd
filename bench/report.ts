import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Page } from 'playwright-core';
import { type ReportResult, writeReport } from '../src/report/index.js';
import { batches, workload } from '../test/report/transfers.js';
import { launchBrowser } from '../test/support/browser.js';
import { quantile, type Suite } from './suite.js';

const TRANSFERS = 100_000;
const MILLION = 1_000_000;
const LOADS = 7;
const STEPS = 120;

/** The page in a real Chromium without a GPU: how soon it is there, how smoothly it zooms and scrolls; and a million. */
export async function run(): Promise<Suite> {
  const folder = mkdtempSync(join(tmpdir(), 'gpuvm-bench-'));
  const browser = await launchBrowser();
  try {
    const path = join(folder, 'report.html');
    await write(path, TRANSFERS);
    const paints: number[] = [];
    const ready: number[] = [];
    const frames: Record<'zoom' | 'scroll', number[]> = { zoom: [], scroll: [] };
    // The first round fills caches and does not count.
    for (let round = -1; round < LOADS; round++) {
      const page = await browser.newPage({ viewport: { width: 1280, height: 720 } });
      await page.goto(pathToFileURL(path).href);
      await page.waitForSelector('body[data-ready]');
      const times = await page.evaluate<{ paint: number; ready: number }>(`({
        paint: performance.getEntriesByName('first-contentful-paint')[0].startTime,
        ready: performance.getEntriesByName('ready')[0].startTime,
      })`);
      if (round >= 0) {
        paints.push(times.paint);
        ready.push(times.ready);
      }
      if (round === LOADS - 1) {
        frames.zoom = await framesWhile(page, ZOOM);
        frames.scroll = await framesWhile(page, SCROLL);
      }
      await page.close();
    }
    const large = await million(join(folder, 'million.html'));
    return {
      name: 'report',
      what: `a page of ${TRANSFERS} transfers opened ${LOADS} times in Chromium, ${STEPS} steps of zooming and scrolling; then ${MILLION} written`,
      figures: [
        figure('first contentful paint', paints),
        figure('all there to be used', ready),
        figure('frame to frame while zooming', frames.zoom),
        figure('frame to frame while scrolling the list', frames.scroll),
        figure('a million transfers made and written', [large.tookMs]),
      ],
      ratios: [
        { label: 'first paint, ms (slowest)', value: Math.max(...paints), promise: { atMost: 2000 } },
        {
          label: 'frames while zooming, ms (p50)',
          value: quantile(frames.zoom, 0.5),
          promise: { atMost: 34 },
        },
        {
          label: 'frames while scrolling, ms (p50)',
          value: quantile(frames.scroll, 0.5),
          promise: { atMost: 34 },
        },
        {
          label: 'memory of a million over that of 250,000',
          value: large.memory / (await million(join(folder, 'quarter.html'), MILLION / 4)).memory,
          promise: { atMost: 1.5 },
        },
        { label: 'page of a million, MB', value: large.result.size / 1e6, promise: { atMost: 20 } },
      ],
    };
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function write(path: string, count: number): Promise<ReportResult> {
  return writeReport(path, batches(workload(count)), { title: 'bench', source: 'made', version: '0' });
}

/** The highest memory that was in use while a page was written, in bytes, and how long it took. */
async function million(path: string, count = MILLION) {
  let memory = 0;
  const watch = setInterval(() => {
    memory = Math.max(memory, process.memoryUsage().rss);
  }, 20);
  const started = performance.now();
  const result = await write(path, count);
  clearInterval(watch);
  return { result, memory, tookMs: performance.now() - started };
}

const ZOOM = `const canvas = document.querySelector('.lanes canvas');
  const { left, top, width } = canvas.getBoundingClientRect();
  return (step) => canvas.dispatchEvent(new WheelEvent('wheel', {
    deltaY: step % 40 < 20 ? -60 : 60, clientX: left + width * 0.4, clientY: top + 40, bubbles: true, cancelable: true,
  }));`;
const SCROLL = `const list = document.querySelector('.table-scroll');
  return (step) => { list.scrollTop += step % 60 < 50 ? 400 : 90000; };`;

/** ms between the frames in which something was done. */
function framesWhile(page: Page, doing: string): Promise<number[]> {
  return page.evaluate<number[]>(`new Promise((resolve) => {
    const act = (() => { ${doing} })();
    const frames = [];
    let before;
    const step = (now) => {
      if (before !== undefined) frames.push(now - before);
      before = now;
      if (frames.length >= ${STEPS}) return resolve(frames);
      act(frames.length);
      requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  })`);
}

function figure(label: string, samples: readonly number[]) {
  return {
    label,
    p50: quantile(samples, 0.5),
    p99: quantile(samples, 0.99),
    unit: 'ms',
    samples: samples.length,
  } as const;
}
