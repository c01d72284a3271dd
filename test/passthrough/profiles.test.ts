import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { tegra234 } from '../../src/bpmp/tegra234/index.js';
import { GpuvmError } from '../../src/errors.js';
import { builtinProfiles, profileOf, ruleFor } from '../../src/passthrough/index.js';
import { parseProfiles, profileJsonSchema } from '../../src/passthrough/profiles/read.js';

const own = `
profiles:
  - name: camera
    about: a camera's receiver
    match: { nodes: [vi] }
    guest:
      compatible: [nvidia,tegra234-vi]
      within: host1x
      children: [port]
      status: as-host
      alias: video0
      drop: { "nvidia,*": they are the host's }
      keep: { dma-coherent: it looks into the caches }
      set: { label: { strings: [front], reason: two of them are alike } }
      add: { "nvidia,bpmp": { bpmp: [1], reason: the driver asks it }, on: { flag: true, reason: it is }, n: { cells: [0x10], reason: b } }
      companions: { "port@0": { properties: { reg: { cells: [0] } }, reason: the driver looks for it } }
    known:
      source: a data sheet
      regions: [{ address: 0x15c00000, size: 64K, as: vi }]
      interrupts: [{ spi: 200 }]
      clocks: [VI as vi]
`;

describe('the profiles of a file', () => {
  it('say what those in gpuvm say', () => {
    const [profile] = parseProfiles(own, 'own.yaml');
    expect(profile).toMatchObject({
      name: 'camera',
      match: { compatible: [], nodes: ['vi'] },
      guest: {
        within: 'host1x',
        children: ['port'],
        status: 'as-host',
        drop: [{ property: 'nvidia,*', reason: "they are the host's" }],
        set: [{ property: 'label', value: { strings: ['front'] } }],
        add: [{ value: { bpmp: [1] } }, { value: { flag: true } }, { value: { cells: [16] } }],
        companions: [{ node: 'port@0', properties: { reg: { cells: [0] } } }],
      },
      host: { drop: [], disable: [] },
      known: {
        regions: [{ address: 0x15c0_0000n, size: 0x1_0000n, as: 'vi' }],
        interrupts: [{ spi: 200, as: undefined }],
        clocks: [{ name: 'VI', as: 'vi' }],
        resets: [],
      },
    });
    expect(profileOf([profile!], '15c00000.vi', undefined)).toBe(profile);
  });

  it.each([
    ['profiles: 3', '1:11: profiles must be a list'],
    ['- a', '1:1: the file of profiles must be a map of keys and values'],
    [own.replace('as-host', 'as_host'), /16:\d+|guest\.status is "as_host": did you mean "as-host"/],
    [own.replace('compatible:', 'compatibel:'), /guest\.compatibel is not known: did you mean "compatible"/],
    [
      own.replace('flag: true, reason', 'flag: true, cells: [1], reason'),
      /must have one of cells, bpmp, strings, flag/,
    ],
    [own.replace('0x10]', '0x100000000]'), /must be of 32 bits/],
  ])('are refused at their place: %#', (text, message) => {
    let said: unknown;
    try {
      parseProfiles(text, 'own.yaml');
    } catch (error) {
      if (!GpuvmError.is(error, 'GPUVM_CONFIG')) throw error;
      said = error.message;
    }
    expect(said).toMatch(typeof message === 'string' ? message.replace(/[()[\]]/g, '\\$&') : message);
  });

  it('have a schema for editors, which is the one that is published', () => {
    const published = readFileSync(
      new URL('../../schemas/device-profiles.schema.json', import.meta.url),
      'utf8',
    );
    expect(JSON.parse(published)).toEqual(JSON.parse(JSON.stringify(profileJsonSchema())));
  });
});

describe("gpuvm's own profiles", () => {
  it('name what the chip has', () => {
    for (const { name, known } of builtinProfiles) {
      const lists = [
        [known?.clocks, tegra234.clocks],
        [known?.resets, tegra234.resets],
        [known?.powerDomains, tegra234.powerDomains],
      ] as const;
      for (const [list = [], table] of lists)
        for (const each of list) expect(table.idOf(each.name), `${name}: ${each.name}`).toBeDefined();
    }
  });

  it('lie in profiles that there are, and are told apart by name', () => {
    const names = builtinProfiles.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { guest, host } of builtinProfiles)
      for (const other of [guest.within, host.outOf]) if (other !== undefined) expect(names).toContain(other);
    expect(profileOf(builtinProfiles, '13e00000.host1x_pt', undefined)?.name).toBe('host1x');
    expect(profileOf(builtinProfiles, '13e00000.host1x:15340000.vic', undefined)?.name).toBe('vic');
    expect(profileOf(builtinProfiles, '12340000.thing', undefined)).toBeUndefined();
  });

  it('match properties by name, or by a part of it', () => {
    const rules = [
      { property: 'nvidia,*-offset', reason: 'a' },
      { property: 'reg', reason: 'b' },
    ];
    expect(ruleFor(rules, 'nvidia,bl-data-offset')?.reason).toBe('a');
    expect(ruleFor(rules, 'reg')?.reason).toBe('b');
    expect([ruleFor(rules, 'reg-names'), ruleFor(rules, 'xnvidia,a-offset')]).toEqual([undefined, undefined]);
  });
});
