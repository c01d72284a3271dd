import { compileFilter } from '../../../bpmp/filter/index.js';
import { GpuvmError } from '../../../errors.js';
import type { AppOptions } from './app.js';
import type { Mistake } from './ui.js';

/** The language of filters, and what is wrong with a text that is none. */
export const filters: Pick<AppOptions, 'compile' | 'mistakeOf'> = { compile: compileFilter, mistakeOf };

/** What is wrong, and how many characters stand before the place. */
export function mistakeOf(error: unknown): Mistake {
  if (!GpuvmError.is(error)) return { message: String(error) };
  const column = error.details?.column;
  return {
    message: error.message.replace(/^in the filter, column \d+: /, ''),
    ...(typeof column === 'number' && { at: column - 1 }),
  };
}
