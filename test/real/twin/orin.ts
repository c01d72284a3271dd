import { Twin, type TwinScript } from './twin.js';

/** A script in an arm64 host of its own that is shaped like an Orin (docs/twins.md). */
export type OrinTwin = Twin;

export const OrinTwin = {
  run: (run: TwinScript): Promise<Twin> => Twin.run({ kind: 'orin', ...run }),
};
