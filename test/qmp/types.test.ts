import { describe, expectTypeOf, it } from 'vitest';
import type { QmpClient, QmpCommands, ReturnOf, RunState, ShutdownCause } from '../../src/qmp/index.js';

/** Never called: what it holds is checked by the compiler, as part of `npm run check`. */
async function typed(qmp: QmpClient, name: string) {
  expectTypeOf((await qmp.execute('query-status')).status).toEqualTypeOf<RunState>();
  expectTypeOf(await qmp.execute('human-monitor-command', { 'command-line': 'info mem' })).toBeString();
  expectTypeOf(await qmp.execute('add-fd')).toEqualTypeOf<{ 'fdset-id': number; fd: number }>();
  expectTypeOf((await qmp.waitFor('SHUTDOWN')).data.reason).toEqualTypeOf<ShutdownCause>();
  expectTypeOf((await qmp.waitFor(name)).data).toEqualTypeOf<Readonly<Record<string, unknown>>>();
  // Names that QEMU has and we do not know, or that are not known before the program runs.
  expectTypeOf(await qmp.execute('x-new-thing', { any: 1 })).toBeUnknown();
  expectTypeOf(await qmp.execute(name)).toBeUnknown();
  // Sizes may be bigints on their way out.
  await qmp.execute('balloon', { value: 2n ** 32n });
  // Properties depend on the driver.
  await qmp.execute('device_add', { driver: 'vfio-pci', host: '0000:01:00.0' });
  await qmp.execute('netdev_add', { type: 'user', id: 'n0', hostname: 'kite' });
  // @ts-expect-error an argument is missing
  await qmp.execute('qom-get', { path: '/' });
  // @ts-expect-error all arguments are missing
  await qmp.execute('qom-get');
  // @ts-expect-error no such argument
  await qmp.execute('device_del', { id: 'd', force: true });
  // @ts-expect-error a hub port has no host name
  await qmp.execute('netdev_add', { type: 'hubport', id: 'n0', hubid: 0, hostname: 'kite' });
  // @ts-expect-error no such cause
  qmp.waitFor('RESET', ({ reason }) => reason === 'boredom');
  for await (const { data } of qmp.events('STOP')) expectTypeOf(data).toEqualTypeOf<Record<string, never>>();
}

describe('the types of commands and events', () => {
  it('are those that QEMU names', () => {
    expectTypeOf(typed).toBeFunction();
    expectTypeOf<ReturnOf<'query-kvm'>>().toEqualTypeOf<{ enabled: boolean; present: boolean }>();
    expectTypeOf<QmpCommands['stop']['args']>().toEqualTypeOf<Record<string, never>>();
  });
});
