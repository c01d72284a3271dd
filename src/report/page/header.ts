import { OUTCOME, outcomes } from '../data/outcome.js';
import { quantileOf, type Summary } from '../data/summary.js';
import { el } from './dom.js';
import { clockTime, count, duration, plural } from './format.js';

const filters: readonly string[] = [
  'bpmp.verdict == "allow" && bpmp.ret >= 0',
  'bpmp.hidden == true',
  'bpmp.verdict == "absorb"',
  'bpmp.verdict == "allow" && bpmp.ret < 0',
  'bpmp.verdict == "malformed"',
  'bpmp.verdict == "deny" && bpmp.hidden == false',
];
const meanings: readonly string[] = [
  'allowed, and answered by the firmware',
  'denied as hidden: the guest asked about what its view does not show, as every guest does',
  'absorbed: answered with 0 and not forwarded',
  'allowed, but refused by the firmware',
  'malformed',
  'denied by the policy',
];

/** What it is a report of, and its figures; a click on one shows those alone. */
export function header(summary: Summary, setFilter: (text: string) => void): HTMLElement {
  const { title, source, beginNs, spanNs, transfers, vms } = summary;
  const all = summary.mrqs.reduce<number[]>((sums, { latency }) => {
    for (const [bucket, many] of latency.entries()) sums[bucket] = (sums[bucket] ?? 0) + many;
    return sums;
  }, []);
  const longest = Math.max(0, ...summary.mrqs.map(({ maxNs }) => maxNs));
  const names = vms.map(({ name }) => name);
  return el(
    'header',
    {},
    el(
      'div',
      { class: 'what' },
      el('h1', {}, title),
      el(
        'p',
        { title: names.join('\n') },
        `${names.slice(0, 3).join(', ')}${names.length > 3 ? ` and ${names.length - 3} more VMs` : ''} · ${source}`,
      ),
      el(
        'p',
        {},
        `${clockTime(BigInt(beginNs)).slice(0, 19)} UTC, ${duration(spanNs)}${summary.filter ? ` · only ${summary.filter}` : ''}`,
      ),
    ),
    el(
      'div',
      { class: 'tiles' },
      tile('transfers', count(transfers), '', 'all transfers', () => setFilter('')),
      ...[OUTCOME.deny, OUTCOME.malformed, OUTCOME.failed, OUTCOME.absorb, OUTCOME.hidden, OUTCOME.allow].map(
        (outcome) =>
          tile(
            outcomes[outcome]!,
            count(summary.outcomes[outcome]!),
            outcomes[outcome]!,
            meanings[outcome]!,
            () => setFilter(filters[outcome]!),
          ),
      ),
      tile('latency, half below', duration(quantileOf(all, 0.5)), '', 'half of all transfers took less'),
      tile(
        '99 % below',
        duration(Math.min(longest, quantileOf(all, 0.99))),
        '',
        '99 of 100 transfers took less',
      ),
    ),
  );
}

function tile(label: string, value: string, kind: string, meaning: string, run?: () => void): HTMLElement {
  const parts = [
    el('span', { class: 'value' }, value),
    el('span', { class: 'label' }, kind !== '' && el('i', { class: `swatch ${kind}` }), label),
  ];
  const props = { class: `tile${value === '0' ? ' none' : ''}`, title: meaning };
  return run
    ? el('button', { type: 'button', ...props, onclick: run }, ...parts)
    : el('div', props, ...parts);
}

/** What the page does not show, or what the capture lacks; undefined where it is all there. */
export function notices({ kept, transfers, lost, notices: said }: Summary): HTMLElement | undefined {
  const lines = [...said];
  if (kept.rows < transfers)
    lines.unshift(
      `${count(kept.rows)} of ${count(transfers)} transfers are here one by one: ${kept.notable === 1 ? 'all refused and failed ones' : `every ${ordinal(kept.notable)} of the refused and failed ones`}, and every ${ordinal(kept.ordinary)} of the others. Figures, denials and histograms count all.`,
    );
  if (lost.transfers > 0)
    lines.push(
      `${plural(lost.transfers, 'transfer is', 'transfers are')} missing from the capture, by their sequence numbers: dotted lines show where.`,
    );
  if (lines.length === 0) return undefined;
  return el('div', { class: 'notices', role: 'note' }, ...lines.slice(0, 5).map((line) => el('p', {}, line)));
}

function ordinal(number: number): string {
  const tens = number % 100;
  const suffix = tens > 10 && tens < 14 ? 'th' : (['th', 'st', 'nd', 'rd'][number % 10] ?? 'th');
  return number === 1 ? 'one' : `${number}${suffix}`;
}
