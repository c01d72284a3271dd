import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { run } from '../../../src/cli/config/example.js';
import { run as runSchema } from '../../../src/cli/config/schema.js';
import { parseVmFile, vmFileJsonSchema } from '../../../src/config/index.js';
import { world } from '../world.js';

async function example(args: string[], options: Record<string, unknown> = {}, json = false) {
  const surroundings = world('', { json });
  await run({ args, options }, surroundings.context);
  return surroundings.stdout;
}

describe('gpuvm config example', () => {
  it('lists the examples, and says what each is', async () => {
    const lines = await example([], { list: true });
    expect(lines.map((line) => line.split(/\s/, 1)[0])).toEqual([
      'mainline-guest',
      'orin-gpu-vm',
      'orin-twin',
      'pci-gpu',
      'simulated-orin',
    ]);
    for (const line of lines) expect(line).toMatch(/^\S+ +A .*\.$/);
  });

  it.each(['mainline-guest', 'orin-gpu-vm', 'pci-gpu', 'simulated-orin'])(
    'prints %s, to be put anywhere',
    async (name) => {
      const text = (await example([name])).join('\n');
      const config = parseVmFile(text, { file: `/elsewhere/${name}.yaml` });
      expect(config.name).toBe(name);
      if (config.policy !== undefined) expect(existsSync(config.policy)).toBe(true);
      const [, schema] = /\$schema=(.*)/.exec(text)!;
      expect(existsSync(schema!)).toBe(true);
      // More is explained than a file's name.
      expect(text.match(/#/g)!.length).toBeGreaterThan(4);
    },
  );

  it('is the Jetson Orin where none is named', async () => {
    expect(await example([])).toEqual(await example(['orin-gpu-vm']));
    const [json] = await example([], {}, true);
    expect(JSON.parse(json!)).toMatchObject({
      name: 'orin-gpu-vm',
      text: expect.stringContaining('platformDevices'),
    });
  });

  it('knows what was meant', async () => {
    await expect(example(['pci-gpv'])).rejects.toMatchObject({
      code: 'GPUVM_USAGE',
      message: 'there is no example pci-gpv: did you mean pci-gpu?',
    });
    await expect(example(['../policies/gpu'])).rejects.toThrow('there is no example');
  });
});

describe('gpuvm config schema', () => {
  it('prints it', async () => {
    const shown = world();
    await runSchema({ args: [], options: {} }, shown.context);
    expect(JSON.parse(shown.stdout.join('\n'))).toEqual(vmFileJsonSchema());
  });
});
