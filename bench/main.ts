/**
 * `npm run bench [-- NAME…] [--json FILE]`: every claim about speed, measured against its baseline in the same run. Exits 1 if a
 * promise is broken.
 */
import { writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { parseArgs } from 'node:util';
import { isKept, type Suite } from './suite.js';

const suites: Record<string, () => Promise<Suite>> = {
  decide: async () => (await import('./decide.js')).run(),
  startup: async () => (await import('./startup.js')).run(),
  launch: async () => (await import('./launch.js')).run(),
  interposed: async () => (await import('./interposed.js')).run(),
  flood: async () => (await import('./flood.js')).run(),
  'vfio-user': async () => (await import('./vfio-user.js')).run(),
  ivc: async () => (await import('./ivc.js')).run(),
  mainline: async () => (await import('./mainline.js')).run(),
  devicetree: async () => (await import('./devicetree.js')).run(),
  qmp: async () => (await import('./qmp.js')).run(),
  report: async () => (await import('./report.js')).run(),
  capture: async () => (await import('./capture.js')).run(),
  study: async () => (await import('./study.js')).run(),
  trace: async () => (await import('./trace.js')).run(),
};

const { values, positionals } = parseArgs({ options: { json: { type: 'string' } }, allowPositionals: true });
const wanted = positionals.length > 0 ? positionals : Object.keys(suites);
const unknown = wanted.find((name) => !(name in suites));
if (unknown !== undefined) {
  console.error(`bench: no benchmark ${unknown}: there are ${Object.keys(suites).join(', ')}`);
  process.exit(64);
}

const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, Linux ${release()}, Node ${process.version}`;
const results: Suite[] = [];
console.log(`${machine}\n`);
for (const name of wanted) {
  const suite = await suites[name]();
  results.push(suite);
  print(suite);
}
if (values.json)
  writeFileSync(values.json, `${JSON.stringify({ machine, suites: results }, undefined, 2)}\n`);
process.exitCode = results.every(({ ratios }) => ratios.every(isKept)) ? 0 : 1;

function print({ name, what, figures, ratios }: Suite): void {
  console.log(`${name}: ${what}`);
  for (const { label, p50, p99, unit, samples } of figures) {
    console.log(
      `  ${label.padEnd(44)} p50 ${number(p50)} ${unit}   p99 ${number(p99)} ${unit}   n ${samples}`,
    );
  }
  for (const ratio of ratios) {
    const limit =
      'atMost' in ratio.promise ? `at most ${ratio.promise.atMost}` : `at least ${ratio.promise.atLeast}`;
    console.log(
      `  ${ratio.label.padEnd(44)} ${number(ratio.value)}   (${limit}: ${isKept(ratio) ? 'kept' : 'BROKEN'})`,
    );
  }
  console.log();
}

function number(value: number): string {
  return (value >= 1000 ? Math.round(value).toLocaleString('en') : value.toFixed(2)).padStart(11);
}
