import type { Finding } from '../../finding.js';
import type { Check, Said } from '../../host/checks/index.js';
import type { Row } from './examine.js';
import type { Given } from './given.js';

/** A check as a row: what it says gets its id. */
export function rowOf(check: Check<Given>): Row {
  return {
    ids: [check.id],
    run: async (given) => (await check.run(given)).map((said) => named(check.id, said)),
  };
}

function named(id: string, { on, ...said }: Said): Finding {
  return { id: on === undefined ? id : `${id}/${on}`, ...said };
}
