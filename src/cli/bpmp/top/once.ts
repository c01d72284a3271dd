import type { Context } from '../../context.js';
import { placeOf } from '../source/place.js';
import { openTransfers } from '../source.js';
import { App, type AppOptions } from './app.js';
import { documentOf } from './document.js';
import type { Fixes } from './fixes.js';
import { type Looks, textLines } from './terminal/painter.js';
import { page } from './view/page.js';
import { factsOf } from './vm-facts.js';

/** A VM's last refusals are told at once; longer than this nobody waits for them. */
const FIXES_MS = 200;

export interface OnceOptions {
  readonly word: string | undefined;
  readonly context: Context;
  readonly filters: Pick<AppOptions, 'compile' | 'mistakeOf'>;
  readonly filter: string;
  readonly fixes: Fixes;
  readonly looks: Looks;
  readonly width: number;
}

/** What there is now, printed once: a file to its end, what a VM has kept. */
export async function printOnce(options: OnceOptions): Promise<number> {
  const { word, context, filters, filter, fixes, looks, width } = options;
  const { stdin, stdout, stderr, json } = context;
  const place = await placeOf(word);
  const isVm = place.kind === 'vm';
  const app = new App({
    origin: { name: place.kind === 'stdin' ? 'standard input' : place.name, kind: isVm ? 'vm' : 'file' },
    ...filters,
    fixOf: fixes.of,
    isRepeatable: false,
    filter,
  });
  for await (const records of openTransfers([isVm ? place.name : word!], { stdin, stderr })) app.add(records);
  if (isVm) {
    app.setFacts(await factsOf(place.client));
    await fixes.listen(place.client, AbortSignal.timeout(FIXES_MS));
  } else app.end('whole file');
  const picture = app.picture(Date.now());
  if (json) stdout.json(documentOf(picture));
  else for (const line of textLines(page(picture, width), looks)) stdout.line(line);
  return 0;
}
