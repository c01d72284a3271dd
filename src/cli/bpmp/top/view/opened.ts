import { requestText } from '../../../../vm/request-events.js';
import { verdicts } from '../model/activity.js';
import type { Opened } from '../model/summary.js';
import { answerText, shortRequestLine, shortRule } from '../request-line.js';
import {
  beside,
  type CellLine,
  clean,
  fitLine,
  fitText,
  fold,
  type Span,
  span,
  spread,
  widthOf,
} from './cells.js';
import { sparkText } from './charts.js';
import { clockText, countText, grouped, latencyText, preciseClockText, rateText } from './figures.js';
import { latencyBars } from './latency.js';
import { isLive, type Picture } from './picture.js';

const LABEL = 10;

/** One command, resource or refusal: how often and how fast, who asks, by which rule, what was said last, its transfers. */
export function openedPane(picture: Picture, opened: Opened, width: number, height: number): CellLine[] {
  const right = Math.min(34, Math.floor(width * 0.4));
  const left = width - right - 2;
  const facts = [
    ...countLines(picture, opened, left),
    ...namedCounts('asked by', opened.askers, left),
    ...namedCounts(
      'rule',
      opened.rules.map(([rule, count]) => [shortRule(rule), count] as const),
      left,
    ),
  ];
  const top = Math.max(5, Math.min(facts.length, Math.floor(height * 0.4)));
  const head = beside(
    [
      { lines: facts.slice(0, top), width: left },
      { lines: latencyBars(opened.spans, right, top), width: right },
    ],
    2,
  );
  const fix = fixLines(picture, opened, width);
  const last = lastLines(opened, width, Math.max(2, Math.floor(height * 0.25)));
  const above = [titleLine(opened, width), ...head, ...fix, [], ...last, []];
  return [...above, ...transferLines(opened, width, height - above.length, picture.ui.scroll)].slice(
    0,
    height,
  );
}

function titleLine({ title, history }: Opened, width: number): CellLine {
  const room = Math.min(60, width - widthOf(title) - 13);
  const spark = room < 10 ? '' : sparkText(history, room);
  const right = [span(spark, 'accent'), span('  Esc ', 'key'), span('back', 'faint')];
  return spread([span(clean(title), 'section')], right, width);
}

function label(name: string): Span {
  return span(fitText(name, LABEL), 'faint');
}

function countLines(picture: Picture, opened: Opened, width: number): CellLine[] {
  const counted = verdicts
    .filter((verdict) => opened.verdicts[verdict] > 0)
    .flatMap((verdict) => [span(`${verdict} `, verdict), span(`${grouped(opened.verdicts[verdict])}  `)]);
  const rates = isLive(picture)
    ? `${rateText(opened.rate1)}/s now, ${rateText(opened.rate10)} in 10 s, ${rateText(opened.rate60)} in 60 s`
    : `${rateText(opened.mean)}/s on average, at most ${countText(opened.peak)}`;
  const took = `p50 ${latencyText(opened.p50Ns)}, p99 ${latencyText(opened.p99Ns)}, most ${latencyText(opened.maxNs)}`;
  return [
    [label('requests'), ...counted],
    [label('rate'), span(rates)],
    [label('took'), span(took)],
  ].map((line) => fitLine(line, width));
}

function namedCounts(name: string, counts: Opened['askers'], width: number): CellLine[] {
  return counts
    .slice(0, 3)
    .map(([text, count], i) =>
      fitLine(
        spread([label(i === 0 ? name : ''), span(clean(text))], [span(countText(count), 'faint')], width),
        width,
      ),
    );
}

function fixLines({ fixOf }: Picture, { transfers }: Opened, width: number): CellLine[] {
  const refused = transfers.find(({ verdict, hidden }) => verdict === 'deny' && !hidden);
  const fix = refused === undefined ? undefined : fixOf(refused);
  if (fix === undefined) return [];
  return fold(fix, width - LABEL).map((line, i) => [label(i === 0 ? 'to allow' : ''), span(line, 'accent')]);
}

function lastLines({ lastByCommand }: Opened, width: number, most: number): CellLine[] {
  const newest = [...lastByCommand].sort((a, b) => Number(b.timeNs - a.timeNs)).slice(0, most - 1);
  return [
    [span('Last of each command', 'section')],
    ...newest.map(
      (record): CellLine => [
        span(`${clockText(Number(record.timeNs / 1_000_000n))}  `, 'faint'),
        span(
          fitText(clean(shortRequestLine(record)), width - 10),
          record.verdict === 'allow' ? 'plain' : record.verdict,
        ),
      ],
    ),
  ];
}

function transferLines(
  { transfers, count }: Opened,
  width: number,
  height: number,
  scroll: number,
): CellLine[] {
  const room = Math.max(0, height - 1);
  const first = Math.max(0, Math.min(scroll, transfers.length - room));
  const kept =
    transfers.length < count ? `, of ${countText(count)} the last ${countText(transfers.length)}` : '';
  const title: CellLine = [span('Transfers', 'section'), span(`, the newest first${kept}`, 'faint')];
  const lines = transfers.slice(first, first + room).map((record): CellLine => {
    const text = `${requestText(record)}${answerText(record)}`;
    return [
      span(`${preciseClockText(record.timeNs)}  `, 'faint'),
      span(fitText(record.verdict, 10), record.verdict),
      span(fitText(clean(text), Math.max(0, width - 17 - 10 - 8))),
      span(fitText(latencyText(record.latencyNs), 8, 'right'), 'faint'),
    ];
  });
  return [title, ...lines];
}
