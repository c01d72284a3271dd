import { createRequire } from 'node:module';

/** Of this package; the bundle of the commands lies as deep in it as this. */
export const { version } = createRequire(import.meta.url)('../../package.json') as {
  readonly version: string;
};
