import { GpuvmError } from '../../../errors.js';
import type { AppOptions } from './app.js';
import type { Mistake } from './ui.js';

/** The language of filters, loaded when it is first needed. */
export async function loadFilters(): Promise<Pick<AppOptions, 'compile' | 'mistakeOf'>> {
  return {
    compile: () => {
      throw new GpuvmError('GPUVM_USAGE', 'there are no filters yet');
    },
    mistakeOf,
  };
}

/** What is wrong, and how many characters stand before the place. */
export function mistakeOf(error: unknown): Mistake {
  if (!GpuvmError.is(error)) return { message: String(error) };
  const column = error.details?.column;
  return {
    message: error.message.replace(/^in the filter, column \d+: /, ''),
    ...(typeof column === 'number' && { at: column - 1 }),
  };
}
