import { writeFile } from 'node:fs/promises';
import { GpuvmError } from '../../errors.js';
import { analyze } from '../../passthrough/index.js';
import type { Call } from '../command.js';
import type { Context } from '../context.js';
import { readSelection } from './selection.js';
import { StreamTexts } from './stream-text.js';

export async function run(call: Call, { stdout, json }: Context): Promise<number> {
  const { options } = call;
  const { tree, devices, profiles, from } = await readSelection(call);
  const analysis = analyze(tree, devices, profiles);
  const streams = new StreamTexts(tree);
  for (const kind of ['dot', 'svg'] as const) {
    if (options[kind] === undefined) continue;
    const { drawDot, drawSvg, graphOf } = await import('./graph/index.js');
    const title = `${devices.map(({ name }) => name).join(', ')}: who hangs together`;
    const drawn = (kind === 'dot' ? drawDot : drawSvg)(graphOf(analysis, streams), title);
    if (options[kind] === true) stdout.write(drawn);
    else await save(String(options[kind]), drawn);
  }
  if (json) {
    const { analysisJson } = await import('./analysis-json.js');
    stdout.json(analysisJson(analysis, from, streams));
  } else if (options.dot === undefined && options.svg === undefined) {
    const { analysisLines } = await import('./analysis-text.js');
    for (const line of analysisLines(analysis, streams)) stdout.line(line);
  }
  return 0;
}

async function save(path: string, drawing: string): Promise<void> {
  try {
    await writeFile(path, drawing);
  } catch (cause) {
    throw new GpuvmError('GPUVM_FILE', `the drawing cannot be saved: ${(cause as Error).message}`, { cause });
  }
}
