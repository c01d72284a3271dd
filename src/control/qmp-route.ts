import { Refusal } from './refusal.js';
import { integerOf, readFields } from './request.js';
import type { Exchange } from './routes.js';
import { within } from './within.js';

const MAX_DEADLINE_MS = 3_600_000;
/** How much longer than the VM's own deadline we wait for it to say so. */
const GRACE_MS = 1_000;

/** QMP names have letters, digits, hyphens and underscores; those of vendors begin with __. */
const COMMAND = /^[A-Za-z_][A-Za-z0-9_.-]{0,127}$/;

/** Executes one QMP command: `{"return": …}`, or QEMU's refusal with its class in `error.details`. */
export async function runQmp({ vm, request, json }: Exchange): Promise<void> {
  const fields = await readFields(request, ['execute', 'arguments', 'deadlineMs']);
  const { execute, arguments: args } = fields;
  if (typeof execute !== 'string' || !COMMAND.test(execute)) {
    throw new Refusal(400, 'execute must be the name of a QMP command, such as "query-status"');
  }
  if (args !== undefined && (typeof args !== 'object' || args === null || Array.isArray(args))) {
    throw new Refusal(400, 'arguments must be a JSON object');
  }
  const deadlineMs = integerOf(fields, 'deadlineMs', 1, MAX_DEADLINE_MS);
  const given = deadlineMs === undefined ? {} : { deadlineMs };
  const value = await within(
    vm.qmp(execute, args as Record<string, unknown> | undefined, given),
    `the reply to ${execute}`,
    deadlineMs === undefined ? undefined : deadlineMs + GRACE_MS,
  );
  json(200, { return: value });
}
