import { mrqs } from '../../bpmp/wire/index.js';
import { bucketStart, type MrqSummary, quantileOf } from '../data/summary.js';
import { el, svg } from './dom.js';
import { count, duration } from './format.js';
import type { State } from './state.js';

const WIDTH = 420;
const HEIGHT = 30;

/** Of each MRQ how many there were and how long they took, all on one scale, so that they can be compared. */
export function latencyPanel({ store }: State): HTMLElement {
  const { mrqs: rows } = store.summary;
  const first = Math.min(
    ...rows.map(({ latency }) => latency.findIndex((many) => many > 0)).filter((at) => at >= 0),
  );
  const last = Math.max(...rows.map(({ latency }) => latency.length));
  return el(
    'div',
    { class: 'panel' },
    el(
      'table',
      { class: 'listing histograms' },
      el(
        'thead',
        {},
        el(
          'tr',
          {},
          ...['MRQ', 'Transfers', 'Half below', '90 %', '99 %', 'Longest'].map((title) =>
            el('th', { scope: 'col' }, title),
          ),
          el('th', { scope: 'col' }, scale(first, last)),
        ),
      ),
      el(
        'tbody',
        {},
        ...rows.map((row) => {
          const total = row.latency.reduce((sum, many) => sum + many, 0);
          return el(
            'tr',
            {},
            el('th', { scope: 'row' }, mrqName(row.mrq)),
            el('td', { class: 'number' }, count(total)),
            ...[0.5, 0.9, 0.99].map((q) =>
              el('td', { class: 'number' }, duration(Math.min(row.maxNs, quantileOf(row.latency, q)))),
            ),
            el('td', { class: 'number' }, duration(row.maxNs)),
            el('td', {}, histogram(row, first, last)),
          );
        }),
      ),
    ),
  );
}

export function mrqName(mrq: number): string {
  return mrq === -1 ? 'others' : (mrqs.get(mrq)?.name ?? `MRQ ${mrq}`);
}

function histogram({ latency, mrq }: MrqSummary, first: number, last: number): Node {
  const most = Math.max(...latency);
  const step = WIDTH / Math.max(1, last - first);
  const picture = svg('svg', {
    width: WIDTH,
    height: HEIGHT,
    role: 'img',
    'aria-label': `latencies of ${mrqName(mrq)}`,
  });
  for (const [bucket, many] of latency.entries()) {
    if (many === 0) continue;
    // By the square root, as outliers are what one looks for.
    const tall = Math.max(2, Math.sqrt(many / most) * (HEIGHT - 2));
    const title = svg('title', {});
    title.textContent = `${duration(bucketStart(bucket))} to ${duration(bucketStart(bucket + 1))}: ${count(many)}`;
    picture.append(
      svg(
        'rect',
        {
          class: 'bar',
          x: (bucket - first) * step,
          y: HEIGHT - tall,
          width: Math.max(1, step - 1),
          height: tall,
        },
        title,
      ),
    );
  }
  for (const q of [0.5, 0.99]) {
    const x =
      ((Math.log2(quantileOf(latency, q)) - Math.log2(bucketStart(first))) /
        (Math.log2(bucketStart(last)) - Math.log2(bucketStart(first)))) *
      WIDTH;
    picture.append(
      svg('rect', { class: q === 0.5 ? 'p50' : 'p99', x: x - 0.75, y: 0, width: 1.5, height: HEIGHT }),
    );
  }
  return picture;
}

function scale(first: number, last: number): Node {
  const picture = svg('svg', {
    width: WIDTH,
    height: 14,
    role: 'img',
    'aria-label': 'the scale of the latencies',
  });
  const [low, high] = [Math.log10(bucketStart(first)), Math.log10(bucketStart(last))];
  for (let power = Math.ceil(low); power <= high; power++) {
    const text = svg('text', { x: ((power - low) / (high - low)) * WIDTH, y: 11 });
    text.textContent = duration(10 ** power);
    picture.append(text);
  }
  return picture;
}
