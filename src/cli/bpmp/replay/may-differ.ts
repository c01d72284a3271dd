import { fields } from '../../../bpmp/fields/index.js';
import { GpuvmError } from '../../../errors.js';
import { nearest } from '../../../nearest.js';

/** What is measured: it differs from one moment to the next. */
const MEASURED = [
  'bpmp.thermal.reply.temp*',
  'bpmp.telemetry.reply.*',
  'bpmp.telemetry_ex.reply.*',
  'bpmp.ringbuf_console.reply.*',
];

/** Whether a field may differ: what is measured, and what `--ignore` names; `*` at the end takes all that begin so. */
export function mayDiffer(given: readonly string[]): (field: string) => boolean {
  for (const name of given) requireKnown(name);
  const all = [...MEASURED, ...given];
  const whole = new Set(all.filter((name) => !name.endsWith('*')));
  const begun = all.filter((name) => name.endsWith('*')).map((name) => name.slice(0, -1));
  return (field) => whole.has(field) || begun.some((beginning) => field.startsWith(beginning));
}

function requireKnown(name: string): void {
  const begun = name.endsWith('*') ? name.slice(0, -1) : undefined;
  const names = fields.map((field) => field.name);
  if (begun === undefined ? names.includes(name) : names.some((each) => each.startsWith(begun))) return;
  const near = nearest(name, names);
  throw new GpuvmError(
    'GPUVM_USAGE',
    `--ignore: there is no field ${JSON.stringify(name.slice(0, 80))}: ${
      near === undefined ? 'gpuvm bpmp fields lists them' : `did you mean ${near}?`
    }`,
  );
}
