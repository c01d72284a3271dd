import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SystemdContainer } from './container.js';
import { typescript, VmService } from './service.js';

const missing = SystemdContainer.missing();
if (missing) console.warn(`SKIPPED: needs ${missing}`);

describe.skipIf(missing !== undefined)('gpuvm-recover.service', () => {
  let container: SystemdContainer;
  beforeAll(async () => {
    container = await SystemdContainer.start();
  });
  afterAll(() => container?.stop());

  it('takes back what a killed process had changed, before a VM starts', async () => {
    const service = await VmService.install(container, 'after', 'machine: none\n');
    // The service may write nowhere else; a driver's override in sysfs is a file like this one.
    const attribute = '/run/gpuvm/attribute';
    await container.get('sh', '-c', `mkdir -p /run/gpuvm && echo previous >${attribute}`);
    const [node, ...program] = typescript('killed-writer.ts');
    const killed = await container.run(node!, ...program, attribute);
    expect(killed).toMatchObject({ status: -1 });
    expect(await container.get('cat', attribute)).toBe('modified');

    expect(await service.systemctl('start')).toMatchObject({ status: 0 });
    expect(await container.get('cat', attribute)).toBe('previous');
    expect(await container.show('gpuvm-recover.service', 'ActiveState', 'Result')).toEqual({
      ActiveState: 'active',
      Result: 'success',
    });
    expect(await container.get('ls', '/var/lib/gpuvm/journal')).toBe('');
  });
});
